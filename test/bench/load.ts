// One run of load against one server, by wrk or by the benchmark's own generator, with the same plan and the same answer.
import { join } from 'node:path';
import { cpuSeconds, writtenBytes } from './measure.ts';

/** messageText is what every send carries: a line of ordinary length. */
export const messageText = 'Hello! I ordered on Monday and the parcel has not come yet. Can you look?';
const body = JSON.stringify({ content: { text: messageText }, clientMessageId: '$id' });

export type Generator = 'wrk' | 'own';

export interface Target {
	path: string;
	token: string;
}

export interface Plan {
	key: string;
	targets: Target[];
}

export interface LoadRun {
	requests: number;
	perSecond: number;
	cpuMicrosPerRequest: number;
	writtenBytesPerRequest: number;
	p50Ms: number;
	p99Ms: number;
}

interface LoadOptions {
	generator: Generator;
	method: 'GET' | 'POST';
	plan: Plan;
	planFile: string;
	server: { name: string; pid: number; port: number };
	connections: number;
	seconds: number;
}

interface Report {
	requests: number;
	seconds: number;
	/** Answers with another status than the one expected (wrk: any of 400 and above; the caller counts the rows). */
	refused: number;
	/** Connections that failed, and answers that did not come. */
	broken: number;
	p50Ms: number;
	p99Ms: number;
}

/** wrkThreads: half of the cores, so that the server keeps the other half. */
const wrkThreads = Math.max(1, Math.min(4, Math.floor(navigator.hardwareConcurrency / 2)));

const commandOf = ({ generator, method, planFile, server, connections, seconds }: LoadOptions) => {
	if (generator === 'own') {
		const status = method === 'POST' ? '201' : '200';
		const script = join(import.meta.dir, 'generator.ts');
		return [process.execPath, script, planFile, server.port, connections, seconds, status, body].map(String);
	}
	const threads = Math.min(wrkThreads, connections);
	const url = `http://127.0.0.1:${server.port}/`;
	const script = join(import.meta.dir, 'load.lua');
	return ['wrk', '-t', threads, '-c', connections, '-d', `${seconds}s`, '--timeout', '10s', '-s', script, url].map(
		String,
	);
};

/** load runs one generator to its end; throws when any request failed, for then the numbers mean nothing. */
export const load = async (options: LoadOptions): Promise<LoadRun> => {
	const { method, plan, planFile, server, seconds } = options;
	const lines = plan.targets.map(({ path, token }) => `${path}\t${token}`);
	await Bun.write(planFile, `${[method, plan.key, ...lines].join('\n')}\n`);
	const cpuBefore = cpuSeconds(server.pid);
	const bytesBefore = writtenBytes(server.pid);
	const child = Bun.spawn(commandOf(options), {
		env: { ...process.env, PARLEY_BENCH_PLAN: planFile, PARLEY_BENCH_BODY: body },
		stdout: 'pipe',
		stderr: 'pipe',
		timeout: (seconds + 30) * 1000,
	});
	const [output, complaints] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
	const line = /^BENCH (.*)$/m.exec(output)?.[1];
	if (!line) throw new Error(`the load generator failed against ${server.name}: ${output}${complaints}`);
	const report = JSON.parse(line) as Report;
	if (report.refused + report.broken > 0 || report.requests === 0) {
		const what = `${report.refused} refused and ${report.broken} broken of ${report.requests}`;
		throw new Error(`${server.name} did not answer every request with success: ${what}`);
	}
	return {
		requests: report.requests,
		perSecond: report.requests / report.seconds,
		cpuMicrosPerRequest: ((cpuSeconds(server.pid) - cpuBefore) * 1e6) / report.requests,
		writtenBytesPerRequest: (writtenBytes(server.pid) - bytesBefore) / report.requests,
		p50Ms: report.p50Ms,
		p99Ms: report.p99Ms,
	};
};
