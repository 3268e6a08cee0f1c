import type { Store } from '../../db/open.ts';
import type { Steps, Tx } from '../../db/step.ts';
import { iso } from '../../kernel/clock.ts';
import { pageOf, paging } from '../../kernel/page.ts';
import type { Principal } from '../../kernel/principal.ts';
import { chainHash, saltedHash } from './audit.chain.ts';
import type { AuditPage, AuditQuery } from './audit.schema.ts';
import type { AuditSteps } from './audit.steps.ts';

/** What a look at a site's whole chain has shown. */
export interface AuditVerdict {
	entries: number;
	/** The hash of the newest entry: noted down elsewhere, it shows later whether the end was cut off. */
	head: string;
	/** The first entry that does not hold, and why; null when all do. */
	broken: { id: number; reason: string } | null;
}

const verifyRows = 1_000;

/** createAuditService: reading the desk's chain of acts, and checking that nobody has changed it. */
export const createAuditService = ({
	store,
	audit,
	hiddenFrom,
}: {
	store: Store;
	audit: AuditSteps;
	/** The public ids of what a user must not see: whoever is reported sees nothing of it here either. */
	hiddenFrom: (tx: Tx, site: number, user: number) => Steps<string[]>;
}) => ({
	/** list is a page of the site's acts, newest first. */
	list: (p: Principal, query: AuditQuery): AuditPage =>
		store.read(function* (tx) {
			const asked = paging(query);
			const { limit, offset } = asked;
			const { rows, values, total } = yield* audit.list(tx, p.site, {
				actor: query.actor,
				action: query.action,
				target: query.target,
				hidden: p.kind === 'user' ? yield* hiddenFrom(tx, p.site, p.pk) : [],
				from: query.from === undefined ? undefined : Date.parse(query.from),
				to: query.to === undefined ? undefined : Date.parse(query.to),
				limit,
				offset,
			});
			const kept = new Map(values.map((value) => [`${value.entry} ${value.field}`, value]));
			const data = rows.map(({ pk, seq, at, actor, action, target, fields, hash }) => ({
				id: seq,
				at: iso(at),
				actor,
				action,
				target,
				changes: Object.keys(fields).map((field) => {
					const value = kept.get(`${pk} ${field}`);
					return { field, before: value?.before ?? null, after: value?.after ?? null, erased: value === undefined };
				}),
				hash,
			}));
			return pageOf(data, total, asked);
		}),

	/** verify reads a site's chain from its beginning. Values that an erasure has taken are no break. */
	verify: (site: number): AuditVerdict => {
		let entries = 0;
		let head = '';
		for (;;) {
			const { rows, values } = store.read((tx) => audit.chain(tx, site, entries, verifyRows));
			const kept = Map.groupBy(values, ({ entry }) => entry);
			for (const row of rows) {
				const broken = (reason: string): AuditVerdict => ({ entries, head, broken: { id: entries + 1, reason } });
				if (row.seq !== entries + 1) return broken('is missing');
				if (row.previous !== head) return broken('does not follow the one before');
				if (chainHash(site, row) !== row.hash) return broken('was changed');
				for (const { field, salt, before, after } of kept.get(row.pk) ?? []) {
					const [was, became] = row.fields[field] ?? [undefined, undefined];
					if (saltedHash(salt, before) !== was || saltedHash(salt, after) !== became)
						return broken(`has another value of ${field} than was noted`);
				}
				entries++;
				head = row.hash;
			}
			if (rows.length < verifyRows) return { entries, head, broken: null };
		}
	},
});
export type AuditService = ReturnType<typeof createAuditService>;
