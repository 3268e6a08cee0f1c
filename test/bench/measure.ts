// What the benchmark reads from the machine, and the little arithmetic it does.
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, statfsSync, writeSync } from 'node:fs';
import os from 'node:os';

/** median of at least one number; the mean of the two middle ones for an even count. */
export const median = (values: readonly number[]) => {
	const sorted = [...values].sort((a, b) => a - b);
	const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
	const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
	return (lower + upper) / 2;
};

/** ticksPerSecond of /proc/<pid>/stat: USER_HZ, which is 100 on every Linux that Bun runs on. */
const ticksPerSecond = 100;

/** cpuSeconds a process has used so far, all its threads, user and system (proc(5): stat, fields 14 and 15). */
export const cpuSeconds = (pid: number) => {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
		// note: field 2 is the program's name in brackets and may hold spaces, so count from the last bracket.
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
	} catch {
		return Number.NaN;
	}
};

const field = (file: string, name: string) => {
	try {
		return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(file, 'utf8'))?.[1] ?? Number.NaN);
	} catch {
		return Number.NaN;
	}
};

/** writtenBytes a process has sent towards the disk (proc(5): io, write_bytes: pages dirtied, sockets not counted). */
export const writtenBytes = (pid: number) => field(`/proc/${pid}/io`, 'write_bytes');

/** residentMegabytes of a process (proc(5): status, VmRSS), in units of 1024 × 1024 bytes. */
export const residentMegabytes = (pid: number) => field(`/proc/${pid}/status`, 'VmRSS') / 1024;

/** fdatasyncMicros: what one synced write of 4 KB costs in this folder; the price that a synced answer must share. */
export const fdatasyncMicros = (folder: string) => {
	const path = `${folder}/fdatasync.tmp`;
	const file = openSync(path, 'w');
	const page = new Uint8Array(4096);
	const costs = Array.from({ length: 200 }, (_, i) => {
		const startedAt = performance.now();
		writeSync(file, page, 0, page.length, i * page.length);
		fdatasyncSync(file);
		return (performance.now() - startedAt) * 1000;
	});
	closeSync(file);
	rmSync(path);
	return median(costs);
};

/** tmpfsType is f_type of a file system in memory, where a sync costs nothing (statfs(2)). */
const tmpfsType = 0x01021994;
export const isMemory = (folder: string) => statfsSync(folder).type === tmpfsType;

const versionOf = (command: string[]) => {
	if (!Bun.which(command[0] ?? '')) return undefined;
	const run = Bun.spawnSync(command);
	return /v?\d+\.\d+[.\d]*/.exec(run.stdout.toString() + run.stderr.toString())?.[0]?.replace(/^v/, '');
};

export const machineLine = (folder: string, generator: string) => {
	const cpus = os.cpus();
	return [
		`${cpus.length} cores (${cpus[0]?.model.trim() ?? os.arch()})`,
		`${os.type()} ${os.release()}`,
		`Bun ${Bun.version}`,
		`Node ${versionOf(['node', '--version']) ?? 'none'}`,
		generator === 'wrk'
			? `load by wrk ${versionOf(['wrk', '--version']) ?? ''}`
			: "load by the benchmark's own generator",
		`4 KB write and fdatasync ${Math.round(fdatasyncMicros(folder))} µs${isMemory(folder) ? ' (IN MEMORY: not a disk)' : ''}`,
	].join(' · ');
};
