import { useState } from 'preact/hooks';
import type { Ticket } from '../../client/client.ts';
import type { Store } from './store.ts';
import { say } from './texts.ts';

/** Asks how it went, once. */
const Rating = ({ store, ticket }: { store: Store; ticket: Ticket }) => {
	const [score, setScore] = useState(0);
	const [comment, setComment] = useState('');
	if (ticket.rating) return <p>{say('rated', { score: ticket.rating.score })}</p>;
	return (
		<form
			onSubmit={(event) => {
				event.preventDefault();
				store.rate(ticket.id, score, comment);
			}}
		>
			<fieldset>
				<legend>{say('rate')}</legend>
				{[1, 2, 3, 4, 5].map((n) => (
					<label key={n} class={n <= score ? 'star on' : 'star'}>
						<input
							type="radio"
							name="score"
							value={n}
							checked={n === score}
							aria-label={say('star', { score: n })}
							onChange={() => setScore(n)}
						/>
						<span aria-hidden="true">★</span>
					</label>
				))}
			</fieldset>
			{score > 0 && (
				<div class="write">
					<textarea
						rows={2}
						dir="auto"
						maxLength={1_000}
						value={comment}
						aria-label={say('rateComment')}
						placeholder={say('rateComment')}
						onInput={(event) => setComment(event.currentTarget.value)}
					/>
					<button type="submit" class="primary">
						{say('send')}
					</button>
				</div>
			)}
		</form>
	);
};

/** TicketEnd is what a ticket's status asks its requester for: to rate, to open it again, to go on in a new one. */
export const TicketEnd = ({ store, ticket }: { store: Store; ticket: Ticket }) => {
	if (ticket.status !== 'resolved' && ticket.status !== 'closed') return null;
	return (
		<div class="ending">
			{ticket.status === 'closed' && <p class="quiet">{say('closed')}</p>}
			<Rating store={store} ticket={ticket} />
			{ticket.status === 'resolved' ? (
				<button type="button" class="link" onClick={() => store.reopenTicket(ticket.id)}>
					{say('reopen')}
				</button>
			) : (
				<button
					type="button"
					class="link"
					onClick={() => {
						store.view.value = { name: 'newTicket', follows: ticket };
					}}
				>
					{say('followUp')}
				</button>
			)}
		</div>
	);
};

/** CloseTicket lets the requester close it; asks first, since it is for good. */
export const CloseTicket = ({ store, ticket }: { store: Store; ticket: Ticket }) => {
	const [isAsking, setAsking] = useState(false);
	if (ticket.status === 'closed') return null;
	return (
		<div class="strip">
			{isAsking ? (
				<>
					<span>{say('closeSure')}</span>
					<button type="button" class="link" onClick={() => store.closeTicket(ticket.id)}>
						{say('closeTicket')}
					</button>
					<button type="button" class="link" onClick={() => setAsking(false)}>
						{say('cancel')}
					</button>
				</>
			) : (
				<>
					<span class="quiet">#{ticket.number}</span>
					<button type="button" class="link" onClick={() => setAsking(true)}>
						{say('closeTicket')}
					</button>
				</>
			)}
		</div>
	);
};
