import { type Command, Option } from 'commander';
import { newSecret } from '../kernel/ids.ts';
import { type Role, roles } from '../kernel/roles.ts';
import { siteOf, withServices } from './folder.ts';
import { type CommonOptions, emailAddress, leaf, wholeNumber } from './options.ts';
import { answer, fields, note, table } from './output.ts';
import { readPassword } from './prompt.ts';

/** Characters of a password that is made for somebody: 24 of base64url hold 144 random bits. */
const generatedLength = 24;
const listMax = 1_000;

interface CreateOptions extends CommonOptions {
	site?: string;
	username: string;
	role: Role;
	email?: string;
	externalId?: string;
}

const create = (user: Command): void => {
	leaf(user, 'create', 'make a user of any role; "user passwd" then gives a password, "user token" a chat token', [
		'parley user create --site site.com --username root --role superadmin --email root@site.com',
		'parley user create --username alice --external-id 4711 --json',
	])
		.requiredOption('--username <name>', 'unique on the site')
		.option('--site <resourceId>', 'the site (default: the only one)')
		.addOption(new Option('--role <role>', 'rank; all but user are the desk').choices(roles).default('user'))
		.option('--email <address>', 'address to sign in with', emailAddress)
		.option('--external-id <id>', 'your own id of the user')
		.action(({ site, username, role, email, externalId, ...options }: CreateOptions) =>
			withServices(options, 'must exist', async (services) => {
				const { resourceId } = siteOf(services, site);
				const made = await services.users.createByOperator(resourceId, {
					username,
					role,
					email: email ?? null,
					externalId: externalId ?? null,
				});
				await answer(options, made, () =>
					fields([
						['Id', made.id],
						['Username', made.username],
						['Role', made.role],
						['Site', made.resourceId],
						...(made.email === null ? [] : ([['Email', made.email]] as [string, string][])),
					]),
				);
			}),
		);
};

const token = (user: Command): void => {
	leaf(user, 'token <userId>', 'print a chat token of a user, good for 30 days', [
		'parley user token user_01kj3zq0x5e6s8r1n6a2c4v7wd',
	]).action((userId: string, options: CommonOptions) =>
		withServices(options, 'must exist', async ({ tokens }) => {
			const made = await tokens.mintByOperator(userId);
			await answer(options, made, () => made.chatToken);
		}),
	);
};

const passwd = (user: Command): void => {
	leaf(user, 'passwd <userId>', 'set a password: asked for, read from standard input, or generated; ends every token', [
		'parley user passwd user_01kj3zq0x5e6s8r1n6a2c4v7wd',
		'parley user passwd user_01kj3zq0x5e6s8r1n6a2c4v7wd --generate',
		'parley user passwd user_01kj3zq0x5e6s8r1n6a2c4v7wd --email root@site.com < password.txt',
	])
		.option('--email <address>', 'address to sign in with (default: the one the user has)', emailAddress)
		.option('--generate', 'make a password and print it')
		.action((userId: string, options: CommonOptions & { email?: string; generate?: boolean }) =>
			withServices(options, 'must exist', async ({ passwords }) => {
				const password = options.generate ? newSecret('').slice(0, generatedLength) : await readPassword();
				const done = await passwords.setByOperator(userId, password, options.email ?? null);
				const made = { ...done, ...(options.generate && { password }) };
				await answer(options, made, () => (options.generate ? password : `The password of ${done.email} is set.`));
				if (options.generate && !options.json) note(`The password of ${done.email}: it is shown this once.`);
			}),
		);
};

const list = (user: Command): void => {
	leaf(user, 'list', 'list users in the order in which they were made', [
		'parley user list --site site.com --limit 20',
		'parley user list --after user_01kj3zq0x5e6s8r1n6a2c4v7wd --json',
	])
		.option('--site <resourceId>', 'the site (default: the only one)')
		.addOption(new Option('--limit <n>', 'how many at most').argParser(wholeNumber(1, listMax)).default(100))
		.option('--after <userId>', 'those made after this one')
		.action(({ site, limit, after, ...options }: CommonOptions & { site?: string; limit: number; after?: string }) =>
			withServices(options, 'must exist', async (services) => {
				const { resourceId } = siteOf(services, site);
				const rows = services.users.list(resourceId, limit, after ?? null);
				await answer(options, rows, () =>
					table(
						['ID', 'USERNAME', 'ROLE', 'EMAIL', 'CREATED'],
						rows.map((row) => [row.id, row.username, row.role, row.email ?? '-', row.createdAt]),
						'No users.',
					),
				);
				const last = rows.at(-1);
				if (!options.json && rows.length === limit && last) note(`More: --after ${last.id}`);
			}),
		);
};

export const userCommand = (program: Command): void => {
	const user = program.command('user').description('make and list users, give them tokens and passwords');
	create(user);
	token(user);
	passwd(user);
	list(user);
};
