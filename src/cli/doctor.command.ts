import type { Command } from 'commander';
import { CommandError } from './failure.ts';
import { withServices } from './folder.ts';
import { type CommonOptions, leaf } from './options.ts';
import { answer, table } from './output.ts';

const audit = (doctor: Command): void => {
	leaf(doctor, 'audit', 'check that no entry of the audit was changed or taken out', [
		'parley doctor audit',
		'parley doctor audit --json',
	]).action((options: CommonOptions) =>
		withServices(options, 'must exist', async ({ sites, audit }) => {
			const rows = sites.list().map((site) => ({ resourceId: site.resourceId, ...audit.verify(site.pk) }));
			await answer(options, rows, () =>
				table(
					['SITE', 'ENTRIES', 'STATE', 'NEWEST'],
					rows.map(({ resourceId, entries, broken, head }) => [
						resourceId,
						String(entries),
						broken ? `BROKEN: entry ${broken.id} ${broken.reason}` : 'whole',
						head.slice(0, 16) || '-',
					]),
					'No site yet. Add one with: parley site add <resourceId>',
				),
			);
			const wrong = rows.find(({ broken }) => broken !== null);
			if (wrong)
				throw new CommandError(
					`the audit of ${wrong.resourceId} does not hold from entry ${wrong.broken?.id} on. Compare it with a backup.`,
				);
		}),
	);
};

export const doctorCommand = (program: Command): void => {
	audit(program.command('doctor').description('look for what is wrong with the data'));
};
