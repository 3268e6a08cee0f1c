import { useEffect, useMemo, useState } from 'preact/hooks';
import { roles } from '../../kernel/roles.ts';
import type { DeskUser, DeskUserPage } from '../../modules/users/users.schema.ts';
import { Icon } from './icons.tsx';
import { InviteDialog } from './invite.view.tsx';
import { createPaged } from './paged.store.ts';
import { Avatar, Choice, Empty, PageHead, Pages, Scroller, SearchBox, Trouble } from './parts.tsx';
import { PersonView } from './person.view.tsx';
import { pathTo } from './place.store.ts';
import { nameOf, roleNames, shortTime } from './words.ts';
import type { Work } from './work.store.ts';

const Table = ({
	rows,
	open,
	query,
}: {
	rows: readonly DeskUser[];
	open: string | null;
	query: Record<string, string | undefined>;
}) => (
	<Scroller label="Users" wide>
		<table class="people">
			<thead>
				<tr>
					<th scope="col">Name</th>
					<th scope="col">Role</th>
					<th scope="col" class="wide-only">
						Email
					</th>
					<th scope="col" class="wide-only">
						Last here
					</th>
				</tr>
			</thead>
			<tbody>
				{rows.map((user) => (
					<tr key={user.id} aria-current={user.id === open ? 'true' : undefined}>
						<th scope="row">
							<div>
								<a href={pathTo(['users', user.id], query)}>
									<Avatar name={nameOf(user)} />
									<span class="cut" dir="auto">
										{nameOf(user)}
									</span>
								</a>
								{user.verified && user.role === 'user' && <span class="mark">verified</span>}
								{user.suspended && <span class="mark is-high">suspended</span>}
							</div>
						</th>
						<td>{roleNames[user.role]}</td>
						<td class="wide-only">{user.email ?? '–'}</td>
						<td class="wide-only">{user.lastSeenAt ? shortTime(user.lastSeenAt) : '–'}</td>
					</tr>
				))}
			</tbody>
		</table>
	</Scroller>
);

/** PeopleView is everybody of the site, and one of them in full. */
export const PeopleView = ({ work }: { work: Work }) => {
	const { places, client } = work;
	const place = places.place.value;
	const id = place.view === 'users' ? place.id : null;
	const query = places.query.value;
	const { q = '', role = '', status = '', page = '1' } = query;
	const list = useMemo(() => createPaged<DeskUser>(), []);
	const [inviting, setInviting] = useState(false);
	const load = () =>
		list.load(async () => {
			const found = await client.get<DeskUserPage>('/admin/users', {
				q: q || undefined,
				role: role || undefined,
				status: status || undefined,
				page,
				limit: 25,
			});
			work.meet(...found.data);
			return found;
		});
	useEffect(() => {
		load();
	}, [q, role, status, page]);
	return (
		<div class={id ? 'page with-person' : 'page'}>
			{id && <h1 class="unseen only-one">Users</h1>}
			<div class="people-list">
				<PageHead title="Users">
					{work.can('user.invite') && (
						<button type="button" class="primary" onClick={() => setInviting(true)}>
							<Icon name="plus" /> Invite
						</button>
					)}
				</PageHead>
				<div class="filter-row">
					<SearchBox label="Name, email or id" value={q} onSearch={(next) => places.narrow({ q: next })} />
					<Choice
						label="Role"
						value={role as string}
						options={[['', 'Any role'], ...roles.map((known) => [known, roleNames[known]] as const)]}
						onChange={(next) => places.narrow({ role: next })}
					/>
					<Choice
						label="Standing"
						value={status as string}
						options={[
							['', 'Everybody'],
							['active', 'Let in'],
							['suspended', 'Suspended'],
						]}
						onChange={(next) => places.narrow({ status: next })}
					/>
				</div>
				<Trouble text={list.problem.value} onAgain={load} />
				{list.rows.value.length > 0 ? (
					<Table rows={list.rows.value} open={id} query={query} />
				) : (
					list.loaded.value &&
					!list.problem.value && (
						<Empty title="Nobody fits.">
							Search by the beginning of a name or an email address, or by the whole id.
						</Empty>
					)
				)}
				<Pages list={list} onPage={(next) => places.narrow({ page: String(next) })} />
			</div>
			{id && <PersonView key={id} work={work} id={id} onChange={load} />}
			{inviting && <InviteDialog work={work} onClose={() => setInviting(false)} onDone={load} />}
		</div>
	);
};
