import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { isColour, readableOn, writingOn } from '../common/contrast.ts';
import { ConversationView } from './conversation.tsx';
import { Introduce, NewTicket } from './forms.tsx';
import { Home } from './home.tsx';
import { isTicket, otherOf, statusName, titleOf } from './rows.ts';
import type { Store } from './store.ts';
import { direction, locale, numeral, say } from './texts.ts';
import { CloseTicket } from './ticket.tsx';
import { Icon } from './widget-icons.tsx';

/** How the page wants it; null: as the site has set. */
export interface Look {
	isInline: boolean;
	position: 'left' | 'right' | null;
	theme: 'auto' | 'light' | 'dark' | null;
	accent: string | null;
}

/** The grounds of style.css on which the accent is written, light and dark. */
const grounds = { light: ['#ffffff', '#f3f4f8'], dark: ['#14161c', '#20242e'] };
/** The width below which the panel fills the screen; as in style.css. */
const narrow = '(max-width: 480px)';

const titleIn = (store: Store): string => {
	const view = store.view.value;
	if (view.name === 'newTicket') return say('newTicket');
	const row = view.name === 'conversation' ? store.rowOf(view.id) : undefined;
	return row ? titleOf(row, store.me.value) : (store.config.value.title ?? say('title'));
};

/** What stands above a view: where one is, and the way back. */
const Head = ({ store, isInline }: { store: Store; isInline: boolean }) => {
	const view = store.view.value;
	const row = view.name === 'conversation' ? store.rowOf(view.id) : undefined;
	const other = row && otherOf(row, store.me.value);
	const below =
		row && isTicket(row) ? statusName(row.status) : other && store.online.value[other.id] ? say('online') : '';
	return (
		<header>
			{view.name !== 'home' && (
				<button type="button" class="icon back" aria-label={say('back')} onClick={store.home}>
					<Icon name="back" />
				</button>
			)}
			<div>
				<h1 class="cut" dir="auto">
					{titleIn(store)}
				</h1>
				{below && <p>{below}</p>}
			</div>
			{!isInline && (
				<button
					type="button"
					class="icon"
					aria-label={say('close')}
					onClick={() => {
						store.isOpen.value = false;
					}}
				>
					<Icon name="close" />
				</button>
			)}
		</header>
	);
};

/** What is not as it should be. */
const Banners = ({ store }: { store: Store }) => {
	const problem = store.problem.value;
	const trouble = store.trouble.value;
	return (
		<>
			{trouble === 'offline' && (
				<p class="strip" role="status">
					{say('offline')}
				</p>
			)}
			{trouble === 'ended' && (
				<p class="strip" role="alert">
					<span>{say('ended')}</span>
					<button type="button" class="link" onClick={store.restart}>
						{say('retry')}
					</button>
				</p>
			)}
			{problem && (
				<p class="strip" role="alert">
					<span>{problem.text}</span>
					<button
						type="button"
						class="link"
						onClick={() => {
							store.problem.value = null;
							if (problem.again) store.begin();
						}}
					>
						{say(problem.again ? 'retry' : 'dismiss')}
					</button>
				</p>
			)}
		</>
	);
};

const Body = ({ store }: { store: Store }) => {
	const view = store.view.value;
	switch (view.name) {
		case 'home':
			return <Home store={store} />;
		case 'conversation': {
			const row = store.rowOf(view.id);
			return (
				<>
					{row && isTicket(row) && <CloseTicket key={row.id} store={store} ticket={row} />}
					<ConversationView key={view.id} store={store} id={view.id} />
				</>
			);
		}
		case 'newTicket':
			return <NewTicket store={store} follows={view.follows} />;
		case 'introduce':
			return <Introduce store={store} next={view.next} />;
	}
};

/** Keeps Tab within the panel while it fills the screen: what lies beneath cannot be seen. */
const keepFocus = (event: KeyboardEvent, panel: HTMLElement) => {
	if (event.key !== 'Tab' || !matchMedia(narrow).matches) return;
	const stops = [...panel.querySelectorAll<HTMLElement>('button:enabled, input, textarea, a, [tabindex="0"]')];
	const [first, last] = [stops[0], stops.at(-1)];
	const now = (panel.getRootNode() as ShadowRoot).activeElement;
	const next = event.shiftKey ? (now === first || now === panel ? last : null) : now === last ? first : null;
	if (!next) return;
	event.preventDefault();
	next.focus();
};

const Dialog = ({ store, isInline }: { store: Store; isInline: boolean }) => {
	const panel = useRef<HTMLDivElement>(null);
	const hasDrawn = useRef(false);
	const view = store.view.value;
	const isLoaded = store.thread.value?.loaded.value;
	/** Gives the focus to the first field; where there is no mouse to the panel, since a keyboard would come up over half of it. */
	const giveFocus = () => {
		const field = matchMedia('(hover: hover)').matches && view.name !== 'home';
		const target = field ? panel.current?.querySelector<HTMLElement>('form input, form textarea') : null;
		(target ?? panel.current)?.focus({ preventScroll: true });
	};
	const focused = () => (panel.current?.getRootNode() as ShadowRoot | undefined)?.activeElement;
	useLayoutEffect(() => {
		// what stands in a page takes the focus from nobody
		if (!isInline || hasDrawn.current) giveFocus();
		hasDrawn.current = true;
	}, [view]);
	useEffect(() => {
		// what was waited for is there now
		if (focused() === panel.current) giveFocus();
	}, [isLoaded]);
	useEffect(() => {
		const onKey = (event: KeyboardEvent) => {
			if (panel.current && !isInline) keepFocus(event, panel.current);
			if (event.key !== 'Escape') return;
			event.stopPropagation();
			if (store.view.value.name !== 'home') store.home();
			else if (!isInline) store.isOpen.value = false;
		};
		panel.current?.addEventListener('keydown', onKey);
	}, []);
	const label = store.config.value.title ?? say('title');
	return (
		<div class="panel" {...{ role: isInline ? 'region' : 'dialog', 'aria-label': label }} tabIndex={-1} ref={panel}>
			<Head store={store} isInline={isInline} />
			<Banners store={store} />
			<Body store={store} />
			<p class="unseen" role="status">
				{store.said.value}
			</p>
		</div>
	);
};

const coloursOf = (accent: string | null, isDark: boolean) =>
	isColour(accent)
		? {
				'--accent': accent,
				'--on-accent': writingOn(accent),
				'--accent-text': readableOn(accent, isDark ? grounds.dark : grounds.light),
			}
		: {};

/** Panel is the whole widget: the button in the corner, and what opens above it; or the panel alone, within a page. */
export const Panel = ({
	store,
	look,
	isDarkSystem,
}: {
	store: Store;
	look: Look;
	isDarkSystem: { value: boolean };
}) => {
	const launcher = useRef<HTMLButtonElement>(null);
	const isOpen = store.isOpen.value;
	const wasOpen = useRef(false);
	useLayoutEffect(() => {
		if (!isOpen && wasOpen.current) launcher.current?.focus();
		wasOpen.current = isOpen;
	}, [isOpen]);
	const unread = store.unread.value;
	const { theme, position, accent } = store.config.value;
	const wanted = look.theme ?? theme;
	const isDark = wanted === 'dark' || (wanted === 'auto' && isDarkSystem.value);
	return (
		<div
			class={`parley ${isDark ? 'dark' : 'light'} ${look.isInline ? 'inline' : (look.position ?? position)}`}
			dir={direction()}
			lang={locale.value}
			style={coloursOf(look.accent ?? accent, isDark)}
		>
			{isOpen && <Dialog store={store} isInline={look.isInline} />}
			{!look.isInline && (
				<button
					type="button"
					class="launcher"
					ref={launcher}
					aria-expanded={isOpen}
					aria-label={
						unread > 0 && !isOpen
							? `${say('open')} – ${say('unread', { count: unread })}`
							: say(isOpen ? 'close' : 'open')
					}
					onClick={() => {
						store.isOpen.value = !isOpen;
						if (!isOpen) store.begin();
					}}
				>
					<Icon name={isOpen ? 'down' : 'chat'} />
					{!isOpen && unread > 0 && <span class="badge">{unread > 99 ? '99+' : numeral(unread)}</span>}
				</button>
			)}
		</div>
	);
};
