import { useEffect, useMemo } from 'preact/hooks';
import type { Report, ReportPage } from '../../modules/moderation/reports.schema.ts';
import { createPaged } from './paged.store.ts';
import { Choice, Empty, PageHead, Pages, Trouble } from './parts.tsx';
import { pathTo } from './place.store.ts';
import { nameOf, wholeTime } from './words.ts';
import type { Work } from './work.store.ts';

const names = { open: 'Open', upheld: 'Upheld', dismissed: 'Dismissed' } as const;

/** ReportsView is what users have reported, to be decided. */
export const ReportsView = ({ work }: { work: Work }) => {
	const { client, places } = work;
	const { status = 'open', page = '1' } = places.query.value;
	const list = useMemo(() => createPaged<Report>(), []);
	const load = () =>
		list.load(async () => {
			const found = await client.get<ReportPage>('/admin/reports', {
				status: status === 'any' ? undefined : status,
				page,
				limit: 20,
			});
			for (const report of found.data) work.meet(report.reporter, report.reported);
			return found;
		});
	useEffect(() => {
		load();
		return client.on('report.updated', load);
	}, [status, page]);
	const decide = async (report: Report, decision: 'upheld' | 'dismissed') => {
		try {
			const decided = await client.post<Report>(`/admin/reports/${encodeURIComponent(report.id)}`, {
				status: decision,
			});
			list.rows.value = list.rows.value.map((row) => (row.id === decided.id ? decided : row));
			work.say(
				decision === 'upheld'
					? `Upheld. It does nothing to ${nameOf(report.reported)} by itself: suspend them if need be.`
					: 'Dismissed.',
			);
		} catch (error) {
			work.fail(error);
			load();
		}
	};
	return (
		<div class="page narrow">
			<PageHead title="Reports">
				<Choice
					label="Status"
					value={status}
					options={[
						['open', 'Open'],
						['upheld', 'Upheld'],
						['dismissed', 'Dismissed'],
						['any', 'All'],
					]}
					onChange={(next) => places.narrow({ status: next === 'open' ? undefined : next })}
				/>
			</PageHead>
			<Trouble text={list.problem.value} onAgain={load} />
			{list.rows.value.length > 0 ? (
				<ul class="reports">
					{list.rows.value.map((report) => (
						<li key={report.id} class="card">
							<p class="line">
								<strong>
									<a href={pathTo(['users', report.reported.id])} dir="auto">
										{nameOf(report.reported)}
									</a>
								</strong>
								<span class={`pill is-report-${report.status}`}>{names[report.status]}</span>
							</p>
							<blockquote dir="auto">{report.reason ?? 'The reporter was erased.'}</blockquote>
							<p class="faint">
								{report.messageId ? 'A message' : 'The user as such'}, reported by{' '}
								<a href={pathTo(['users', report.reporter.id])} dir="auto">
									{nameOf(report.reporter)}
								</a>{' '}
								<time dateTime={report.createdAt}>{wholeTime(report.createdAt)}</time>
							</p>
							<div class="actions start">
								<a class="button" href={pathTo(['inbox', 'all', report.ticketId])}>
									See the evidence
								</a>
								{report.status === 'open' ? (
									<>
										<button type="button" class="primary" onClick={() => decide(report, 'upheld')}>
											Uphold
										</button>
										<button type="button" onClick={() => decide(report, 'dismissed')}>
											Dismiss
										</button>
									</>
								) : (
									report.decidedAt && (
										<span class="faint">
											Decided {wholeTime(report.decidedAt)}
											{report.decidedBy?.startsWith('user_') && (
												<>
													{' '}
													by <span dir="auto">{nameOf(work.person(report.decidedBy))}</span>
												</>
											)}
										</span>
									)
								)}
							</div>
						</li>
					))}
				</ul>
			) : (
				list.loaded.value &&
				!list.problem.value && (
					<Empty title={status === 'open' ? 'Nothing waits to be decided.' : 'None.'}>
						Users report messages and each other; what they report stands here with its evidence.
					</Empty>
				)
			)}
			<Pages list={list} onPage={(next) => places.narrow({ page: String(next) })} />
		</div>
	);
};
