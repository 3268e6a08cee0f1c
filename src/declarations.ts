import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failures } from './kernel/errors.ts';
import * as messaging from './modules/messaging/messaging.schema.ts';
import * as reports from './modules/moderation/reports.schema.ts';
import * as tickets from './modules/support/tickets.schema.ts';
import * as users from './modules/users/users.schema.ts';
import * as realtime from './realtime/realtime.schema.ts';

/** The client's types as one file that needs nothing else: its own declarations, and every schema that they name as plain TypeScript. */

interface Schema {
	type?: string;
	const?: unknown;
	anyOf?: Schema[];
	items?: Schema;
	properties?: Record<string, Schema>;
	required?: string[];
	additionalProperties?: Schema | boolean;
	description?: string;
	'x-schema'?: Schema;
}

const { events, transientEvents, clientFrames, serverFrames, closeCodes, ...rest } = realtime;
const schemas: Record<string, Schema> = Object.fromEntries(
	Object.entries({
		...users,
		...messaging,
		...tickets,
		...reports,
		...rest,
		TransientEvent: { anyOf: Object.values(transientEvents) },
	}).filter(([name, value]) => /^[A-Z]/.test(name) && typeof value === 'object'),
) as Record<string, Schema>;
const names = new Map(Object.entries(schemas).map(([name, schema]) => [JSON.stringify(schema), name]));

const comment = (text: string | undefined, indent: string): string => (text ? `${indent}/** ${text} */\n` : '');

/** createPrinter writes schemas as types, and remembers which named ones it has come across. */
const createPrinter = () => {
	const used = new Set<string>();
	const list = (options: string[]) => [...new Set(options)].join(' | ');
	const fields = ({ properties = {}, required = [] }: Schema, indent: string): string =>
		Object.entries(properties)
			.map(
				([name, field]) =>
					`${comment(field.description, `${indent}\t`)}${indent}\t${name.includes('.') ? JSON.stringify(name) : name}${required.includes(name) ? '' : '?'}: ${print(field, `${indent}\t`)};\n`,
			)
			.join('');
	const inline = (schema: Schema, indent: string): string => {
		if (schema['x-schema']) return inline(schema['x-schema'], indent);
		if (schema.anyOf) return list(schema.anyOf.map((option) => print(option, indent)));
		if ('const' in schema) return JSON.stringify(schema.const);
		switch (schema.type) {
			case 'integer':
			case 'number':
				return 'number';
			case 'string':
			case 'boolean':
			case 'null':
				return schema.type;
			case 'array': {
				const item = print(schema.items ?? {}, indent);
				return item.includes(' | ') ? `(${item})[]` : `${item}[]`;
			}
			case 'object':
				if (schema.properties) return `{\n${fields(schema, indent)}${indent}}`;
				return typeof schema.additionalProperties === 'object'
					? `Record<string, ${print(schema.additionalProperties, indent)}>`
					: 'Record<string, unknown>';
			default:
				return 'unknown';
		}
	};
	const print = (schema: Schema, indent: string): string => {
		const name = names.get(JSON.stringify(schema));
		if (!name) return inline(schema, indent);
		used.add(name);
		return name;
	};
	return { used, declare: (name: string): string => `export type ${name} = ${inline(schemas[name] ?? {}, '')};\n` };
};

/** typesOfClient is `client.d.ts` as a text. `root`: the folder of the project; `scratch`: one that may be used meanwhile. */
export const typesOfClient = (root: string, scratch: string): string => {
	mkdirSync(scratch, { recursive: true });
	const config = join(scratch, 'tsconfig.json');
	const compilerOptions = {
		noEmit: false,
		declaration: true,
		emitDeclarationOnly: true,
		outDir: scratch,
		rootDir: join(root, 'src'),
		typeRoots: [join(root, 'node_modules/@types')],
	};
	const extended = {
		extends: join(root, 'tsconfig.json'),
		compilerOptions,
		include: [],
		files: [join(root, 'src/client/client.ts')],
	};
	writeFileSync(config, JSON.stringify(extended));
	try {
		const { exitCode, stdout } = Bun.spawnSync([join(root, 'node_modules/.bin/tsc'), '-p', config]);
		if (exitCode !== 0) throw new Error(`the client's types cannot be written: ${stdout}`);
		const written = readFileSync(join(scratch, 'client/client.d.ts'), 'utf8');
		const imported = [...written.matchAll(/^import type \{([^}]*)\} from '[^']+';\n/gm)].flatMap(([, found = '']) =>
			found
				.split(',')
				.map((name) => name.trim())
				.filter(Boolean),
		);
		const own = written.replaceAll(/^import type [^;]*;\n/gm, '').replaceAll(/^export type \{[^}]*\};\n/gm, '');
		const { used, declare } = createPrinter();
		for (const name of imported) if (name !== 'FailureCode') used.add(name);
		const codes = Object.keys(failures).map((code) => `\n\t| '${code}'`);
		const declared = new Map<string, string>();
		// note: a set that grows while it is gone through gives what is added too
		for (const name of used) declared.set(name, declare(name));
		return `${own}\nexport type FailureCode =${codes.join('')};\n\n${[...declared.values()].join('\n')}`;
	} finally {
		rmSync(scratch, { recursive: true, force: true });
	}
};
