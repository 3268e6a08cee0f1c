import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Stats } from '../../modules/admin/stats.schema.ts';
import { Chart } from './chart.view.tsx';
import { PageHead, Trouble } from './parts.tsx';
import { pathTo } from './place.store.ts';
import { count, explain, span } from './words.ts';
import type { Work } from './work.store.ts';

const againMs = 60_000;

const Tile = ({ name, value, more, to }: { name: string; value: ComponentChildren; more?: string; to?: string }) => (
	<div class="tile card">
		<dt>{to ? <a href={to}>{name}</a> : name}</dt>
		<dd>
			<strong>{value}</strong>
			{more && <small>{more}</small>}
		</dd>
	</div>
);

const Bars = ({
	title,
	rows,
}: {
	title: string;
	rows: readonly (readonly [name: string, value: number, to: string])[];
}) => {
	const most = Math.max(1, ...rows.map(([, value]) => value));
	return (
		<section class="card" aria-label={title}>
			<h2>{title}</h2>
			<ul class="bars">
				{rows.map(([name, value, to]) => (
					<li key={name}>
						<a href={to}>{name}</a>
						<span class="track" aria-hidden="true">
							<span style={{ width: `${(value / most) * 100}%` }} />
						</span>
						<span class="number">{count(value)}</span>
					</li>
				))}
			</ul>
		</section>
	);
};

/** DashboardView is the site in numbers. */
export const DashboardView = ({ work }: { work: Work }) => {
	const [stats, setStats] = useState<Stats | null>(null);
	const [problem, setProblem] = useState<string | null>(null);
	const load = () =>
		work.client
			.get<Stats>('/admin/stats')
			.then((found) => {
				setStats(found);
				setProblem(null);
			})
			.catch((error: unknown) => setProblem(explain(error)));
	useEffect(() => {
		load();
		const again = setInterval(() => document.visibilityState === 'visible' && load(), againMs);
		return () => clearInterval(again);
	}, []);
	const inbox = (query: Record<string, string>, box = 'all') => pathTo(['inbox', box], query);
	return (
		<div class="page">
			<PageHead title="Dashboard" />
			<Trouble text={problem} onAgain={load} />
			{!stats && !problem && <p role="status">Loading …</p>}
			{stats && (
				<>
					<dl class="tiles">
						<Tile name="Unread" value={count(stats.unreadCount)} more="messages in tickets" to={inbox({})} />
						<Tile
							name="Unassigned"
							value={count(stats.tickets.unassigned)}
							more="tickets nobody has taken"
							to={inbox({}, 'unassigned')}
						/>
						<Tile
							name="First answer"
							value={span(stats.medianFirstResponseSeconds)}
							more="half of the tickets are quicker"
						/>
						<Tile name="Solved in" value={span(stats.medianResolutionSeconds)} more="half of the tickets are quicker" />
						<Tile
							name="Rating"
							value={stats.rating.average === null ? '–' : stats.rating.average.toFixed(1)}
							more={`of 5, from ${count(stats.rating.count)}`}
						/>
						<Tile
							name="Users"
							value={count(stats.users.total)}
							more={`${count(stats.users.online)} here now, ${count(stats.users.active24h)} today`}
							to={pathTo(['users'])}
						/>
						<Tile
							name="Messages"
							value={count(stats.messages.total)}
							more={`${count(stats.messages.today)} today, ${count(stats.messages.last7Days)} in 7 days`}
						/>
						<Tile
							name="Conversations"
							value={count(stats.conversations.total)}
							more={`chats: ${count(stats.conversations.p2p)}, tickets: ${count(stats.conversations.support)}`}
						/>
					</dl>
					<Chart series={stats.series} />
					<div class="two">
						<Bars
							title="Tickets by status"
							rows={[
								['Open', stats.tickets.open, inbox({ status: 'open' })],
								['In progress', stats.tickets.inProgress, inbox({ status: 'in_progress' })],
								['Waiting', stats.tickets.waiting, inbox({ status: 'waiting' })],
								['Resolved', stats.tickets.resolved, inbox({ status: 'resolved' })],
								['Closed', stats.tickets.closed, inbox({ status: 'closed' })],
							]}
						/>
						<Bars
							title="Not solved, by priority"
							rows={[
								['High', stats.tickets.byPriority.high, inbox({ priority: 'high' })],
								['Medium', stats.tickets.byPriority.medium, inbox({ priority: 'medium' })],
								['Low', stats.tickets.byPriority.low, inbox({ priority: 'low' })],
							]}
						/>
					</div>
				</>
			)}
		</div>
	);
};
