import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Icon, type IconName } from './icons.tsx';
import type { Numbered } from './paged.store.ts';
import { priorityNames, statusNames } from './words.ts';

/** The small parts that every view is made of. */

/** The letter and colour by which somebody is known at a glance. */
export const Avatar = ({ name, here = false }: { name: string; here?: boolean }) => {
	const hue = [...name].reduce((sum, sign) => (sum * 31 + (sign.codePointAt(0) ?? 0)) % 360, 7);
	return (
		<span class="avatar" style={{ '--hue': String(hue) }} aria-hidden="true">
			{[...name][0]?.toUpperCase()}
			{here && <i />}
		</span>
	);
};

export const StatusPill = ({ status }: { status: string }) => (
	<span class={`pill is-${status}`}>{statusNames[status as keyof typeof statusNames] ?? status}</span>
);
export const PriorityMark = ({ priority }: { priority: keyof typeof priorityNames }) =>
	priority === 'medium' ? null : <span class={`mark is-${priority}`}>{priorityNames[priority]}</span>;

export const IconButton = ({
	name,
	label,
	onClick,
	pressed,
}: {
	name: IconName;
	label: string;
	onClick: () => void;
	pressed?: boolean;
}) => (
	<button
		type="button"
		class="quiet-button square"
		aria-label={label}
		title={label}
		aria-pressed={pressed}
		onClick={onClick}
	>
		<Icon name={name} />
	</button>
);

export const Field = ({
	label,
	hint,
	children,
}: {
	label: string;
	hint?: ComponentChildren;
	children: (ids: { id: string; 'aria-describedby'?: string }) => ComponentChildren;
}) => {
	const id = useId();
	return (
		<div class="field">
			<label for={id}>{label}</label>
			{children({ id, ...(hint !== undefined && { 'aria-describedby': `${id}-hint` }) })}
			{hint !== undefined && (
				<p class="hint" id={`${id}-hint`}>
					{hint}
				</p>
			)}
		</div>
	);
};

/** Choice is a select over values and their names. */
export const Choice = <T extends string>({
	label,
	value,
	options,
	onChange,
	disabled = false,
}: {
	label: string;
	value: T;
	options: readonly (readonly [value: T, name: string])[];
	onChange: (value: T) => void;
	disabled?: boolean;
}) => (
	<select
		aria-label={label}
		title={label}
		value={value}
		disabled={disabled}
		onChange={(event) => {
			const chosen = options.find(([known]) => known === event.currentTarget.value);
			if (chosen) onChange(chosen[0]);
		}}
	>
		{options.map(([known, name]) => (
			<option key={known} value={known} selected={known === value}>
				{name}
			</option>
		))}
	</select>
);

/** DraftInput keeps what is being typed, whatever happens around it, and hands it on once it is done. */
export const DraftInput = ({
	value,
	onDone,
	...rest
}: {
	value: string;
	onDone: (text: string) => void;
	id?: string;
	label?: string;
	type?: 'text' | 'date';
	placeholder?: string;
	maxLength?: number;
	disabled?: boolean;
}) => {
	const { label, type = 'text', ...plain } = rest;
	const [text, setText] = useState(value);
	useEffect(() => setText(value), [value]);
	const done = () => {
		if (text.trim() !== value) onDone(text.trim());
	};
	return (
		<input
			{...plain}
			type={type as 'text'}
			dir={type === 'text' ? 'auto' : undefined}
			aria-label={label}
			value={text}
			onInput={(event) => setText(event.currentTarget.value)}
			onBlur={done}
			onKeyDown={(event) => {
				if (event.key === 'Enter') done();
				if (event.key === 'Escape') setText(value);
			}}
		/>
	);
};

/** SearchBox asks once the typing rests. */
export const SearchBox = ({
	label,
	value,
	onSearch,
}: {
	label: string;
	value: string;
	onSearch: (q: string) => void;
}) => {
	const [text, setText] = useState(value);
	const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
	useEffect(() => setText(value), [value]);
	const search = (next: string) => {
		clearTimeout(timer.current);
		onSearch(next.trim());
	};
	return (
		<div class="search">
			<Icon name="search" />
			<input
				type="search"
				data-search
				aria-label={label}
				placeholder={label}
				maxLength={100}
				value={text}
				onInput={(event) => {
					const next = event.currentTarget.value;
					setText(next);
					clearTimeout(timer.current);
					timer.current = setTimeout(() => search(next), 300);
				}}
				onKeyDown={(event) => {
					if (event.key === 'Enter') search(event.currentTarget.value);
					if (event.key !== 'Escape') return;
					if (text !== '') {
						setText('');
						search('');
					}
					event.currentTarget.blur();
				}}
			/>
		</div>
	);
};

/** Scroller is a part of a view that scrolls by itself, also by keyboard. */
export const Scroller = ({
	label,
	wide = false,
	busy = false,
	children,
}: {
	label: string;
	/** Scrolls sideways, as a table does on a small screen. */
	wide?: boolean;
	busy?: boolean;
	children: ComponentChildren;
}) => (
	// biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
	<section class={wide ? 'wide' : 'scroll'} tabIndex={0} aria-label={label} aria-busy={busy}>
		{children}
	</section>
);

/** CopyText is something to take along, and a button that does. */
export const CopyText = ({ text, label }: { text: string; label: string }) => {
	const [copied, setCopied] = useState(false);
	return (
		<div class="copy">
			<Scroller label={label} wide>
				<pre>{text}</pre>
			</Scroller>
			<button
				type="button"
				onClick={async () => {
					try {
						await navigator.clipboard.writeText(text);
						setCopied(true);
						setTimeout(() => setCopied(false), 2_000);
					} catch {
						// note: pages over plain http have no clipboard: what is selected can be copied by hand
						setCopied(false);
					}
				}}
			>
				<span aria-live="polite">{copied ? 'Copied' : 'Copy'}</span>
			</button>
		</div>
	);
};

/** Dialog is modal, as the browser has it: focus stays in it, and Escape closes it. */
export const Dialog = ({
	title,
	onClose,
	children,
}: {
	title: string;
	onClose: () => void;
	children: ComponentChildren;
}) => {
	const box = useRef<HTMLDialogElement>(null);
	const id = useId();
	useEffect(() => {
		const before = document.activeElement;
		box.current?.showModal();
		return () => {
			if (before instanceof HTMLElement) before.focus();
		};
	}, []);
	return (
		<dialog
			ref={box}
			aria-labelledby={id}
			onCancel={(event) => {
				event.preventDefault();
				onClose();
			}}
		>
			<header>
				<h2 id={id}>{title}</h2>
				<IconButton name="close" label="Close" onClick={onClose} />
			</header>
			{children}
		</dialog>
	);
};

/** Pages goes through a list. */
export const Pages = ({ list, onPage }: { list: Numbered; onPage: (page: number) => void }) => {
	const { page, pages, total } = list;
	if (pages.value < 2) return null;
	return (
		<nav class="pages" aria-label="Pages">
			<button type="button" disabled={page.value <= 1} onClick={() => onPage(page.value - 1)}>
				Previous page
			</button>
			<span>
				{page.value} of {pages.value} · {total.value} in all
			</span>
			<button type="button" disabled={page.value >= pages.value} onClick={() => onPage(page.value + 1)}>
				Next page
			</button>
		</nav>
	);
};

/** Trouble is a failure where it happened. */
export const Trouble = ({ text, onAgain }: { text: string | null; onAgain?: () => void }) =>
	text === null ? null : (
		<div class="trouble" role="alert">
			<p>{text}</p>
			{onAgain && (
				<button type="button" onClick={onAgain}>
					Try again
				</button>
			)}
		</div>
	);

/** Empty says that there is nothing, and what would fill it. */
export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
	<div class="empty">
		<p>
			<strong>{title}</strong>
		</p>
		{children && <p>{children}</p>}
	</div>
);

/** PageHead is the title of a view, and what can be done there. */
export const PageHead = ({ title, children }: { title: string; children?: ComponentChildren }) => (
	<header class="page-head">
		<h1>{title}</h1>
		<div class="tools">{children}</div>
	</header>
);
