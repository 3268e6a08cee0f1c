import { useEffect, useMemo } from 'preact/hooks';
import type { AuditEntry, AuditPage } from '../../modules/audit/audit.schema.ts';
import { createPaged } from './paged.store.ts';
import { DraftInput, Empty, Field, PageHead, Pages, Trouble } from './parts.tsx';
import { pathTo } from './place.store.ts';
import { nameOf, wholeTime } from './words.ts';
import type { Work } from './work.store.ts';

const timeOf = (day: string, end: boolean): string | undefined => {
	const time = new Date(`${day}T${end ? '23:59:59.999' : '00:00:00'}`);
	return day === '' || Number.isNaN(time.getTime()) ? undefined : time.toISOString();
};

/** What was acted on, as a link where there is a view of it. */
const Target = ({ work, id }: { work: Work; id: string }) => {
	if (id === '') return <>the site</>;
	if (id.startsWith('user_'))
		return (
			<a href={pathTo(['users', id])} dir="auto">
				{nameOf(work.person(id))}
			</a>
		);
	if (id.startsWith('ticket_')) return <a href={pathTo(['inbox', 'all', id])}>a ticket</a>;
	// note: no link to chats of two users: opening one is an act that is audited in turn
	return <code>{id}</code>;
};

/** AuditView is every act of the team, newest first. */
export const AuditView = ({ work }: { work: Work }) => {
	const { client, places } = work;
	const { actor = '', action = '', target = '', from = '', to = '', page = '1' } = places.query.value;
	const list = useMemo(() => createPaged<AuditEntry>(), []);
	const load = () =>
		list.load(() =>
			client.get<AuditPage>('/admin/audit', {
				actor: actor || undefined,
				action: action || undefined,
				target: target || undefined,
				from: timeOf(from, false),
				to: timeOf(to, true),
				page,
				limit: 50,
			}),
		);
	useEffect(() => {
		load();
	}, [actor, action, target, from, to, page]);
	const textOf = (value: string | null) =>
		value === null || value === '' ? '–' : value.startsWith('user_') ? nameOf(work.person(value)) : value;
	const filters = [
		['from', 'From', from, 'date', ''],
		['to', 'To', to, 'date', ''],
		['action', 'Act', action, 'text', 'ticket.update'],
		['target', 'Id acted on', target, 'text', 'user_…'],
	] as const;
	return (
		<div class="page">
			<PageHead title="Audit" />
			<div class="filter-row wide-row">
				<Field label="Who">
					{(ids) => (
						<select {...ids} value={actor} onChange={(event) => places.narrow({ actor: event.currentTarget.value })}>
							<option value="" selected={actor === ''}>
								Everybody
							</option>
							{actor !== '' && !work.team.value.some(({ id }) => id === actor) && (
								<option value={actor} selected>
									{actor.startsWith('user_') ? nameOf(work.person(actor)) : actor}
								</option>
							)}
							{work.team.value.map((person) => (
								<option key={person.id} value={person.id} selected={actor === person.id}>
									{nameOf(person)}
								</option>
							))}
							<option value="operator" selected={actor === 'operator'}>
								The command line
							</option>
						</select>
					)}
				</Field>
				{filters.map(([name, label, value, type, placeholder]) => (
					<Field key={name} label={label}>
						{({ id }) => (
							<DraftInput
								id={id}
								type={type}
								maxLength={64}
								placeholder={placeholder}
								value={value}
								onDone={(next) => places.narrow({ [name]: next })}
							/>
						)}
					</Field>
				))}
			</div>
			<Trouble text={list.problem.value} onAgain={load} />
			{list.rows.value.length > 0 ? (
				<ol class="audit">
					{list.rows.value.map((entry) => (
						<li key={entry.id}>
							<time dateTime={entry.at}>{wholeTime(entry.at)}</time>
							<div>
								<p>
									<strong dir="auto">
										{entry.actor.startsWith('user_') ? nameOf(work.person(entry.actor)) : entry.actor}
									</strong>{' '}
									<button
										type="button"
										class="link"
										title="Only this act"
										onClick={() => places.narrow({ action: entry.action })}
									>
										{entry.action}
									</button>{' '}
									<Target work={work} id={entry.target} />
								</p>
								{entry.changes.length > 0 && (
									<ul class="changes">
										{entry.changes.map(({ field, before, after, erased }) => (
											<li key={field} dir="auto">
												{field}: {erased ? 'erased' : `${textOf(before)} → ${textOf(after)}`}
											</li>
										))}
									</ul>
								)}
							</div>
							<span class="faint number">{entry.id}</span>
						</li>
					))}
				</ol>
			) : (
				list.loaded.value &&
				!list.problem.value && <Empty title="No such acts.">Every act of the team stands here, for ever.</Empty>
			)}
			<Pages list={list} onPage={(next) => places.narrow({ page: String(next) })} />
		</div>
	);
};
