import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Ticket } from '../../client/client.ts';
import type { Store } from './store.ts';
import { say } from './texts.ts';

/** A form that can be sent once at a time, and says what went wrong. */
const Form = ({
	store,
	label,
	onSend,
	children,
}: {
	store: Store;
	label: string;
	onSend: () => Promise<void>;
	children: ComponentChildren;
}) => {
	const [isBusy, setBusy] = useState(false);
	return (
		<form
			class="form scroll"
			onSubmit={async (event) => {
				event.preventDefault();
				if (isBusy) return;
				setBusy(true);
				store.problem.value = null;
				await onSend().catch(store.explain);
				setBusy(false);
			}}
		>
			{children}
			<button type="submit" class="primary" aria-disabled={isBusy}>
				{label}
			</button>
		</form>
	);
};

/** NewTicket opens a ticket; `follows`: a closed one that it goes on with. */
export const NewTicket = ({ store, follows }: { store: Store; follows?: Ticket }) => {
	const [subject, setSubject] = useState(follows?.subject ?? '');
	const [message, setMessage] = useState('');
	return (
		<Form
			store={store}
			label={say('submit')}
			onSend={() => store.asSomebody(() => store.openTicket(subject, message, follows?.id))}
		>
			{follows && <p class="quiet">{say('follows', { number: String(follows.number) })}</p>}
			<label>
				<span>{say('subject')}</span>
				<input
					required
					maxLength={200}
					dir="auto"
					value={subject}
					onInput={(event) => setSubject(event.currentTarget.value)}
				/>
			</label>
			<label>
				<span>{say('question')}</span>
				<textarea
					required
					rows={6}
					maxLength={10_000}
					dir="auto"
					value={message}
					onInput={(event) => setMessage(event.currentTarget.value)}
				/>
			</label>
		</Form>
	);
};

/** Introduce asks a guest who they are, where the site wants to know. */
export const Introduce = ({ store, next }: { store: Store; next: () => Promise<void> }) => {
	const { askName, askEmail } = store.config.value;
	const [displayName, setName] = useState('');
	const [email, setEmail] = useState('');
	return (
		<Form
			store={store}
			label={say('goOn')}
			onSend={() => store.introduce({ ...(displayName && { displayName }), ...(email && { email }) }, next)}
		>
			<h2>{say('introduce')}</h2>
			{askName && (
				<label>
					<span>{say('name')}</span>
					<input
						required
						maxLength={64}
						autocomplete="name"
						dir="auto"
						value={displayName}
						onInput={(event) => setName(event.currentTarget.value)}
					/>
				</label>
			)}
			{askEmail && (
				<label>
					<span>{say('email')}</span>
					<input
						required
						type="email"
						maxLength={254}
						autocomplete="email"
						dir="ltr"
						value={email}
						onInput={(event) => setEmail(event.currentTarget.value)}
					/>
				</label>
			)}
		</Form>
	);
};
