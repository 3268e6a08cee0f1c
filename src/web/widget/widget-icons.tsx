/** The icons, as lines in a square of 24. */
const paths = {
	back: 'M15 5l-7 7 7 7',
	close: 'M6 6l12 12M18 6L6 18',
	down: 'M5 9l7 7 7-7',
	up: 'M5 15l7-7 7 7',
	chat: 'M4 5h16v11H9l-5 4z',
	send: 'M4 12h14M12 5l7 7-7 7',
	more: 'M5 12h.01M12 12h.01M19 12h.01',
};
export const Icon = ({ name }: { name: keyof typeof paths }) => (
	<svg viewBox="0 0 24 24" aria-hidden="true">
		<path d={paths[name]} />
	</svg>
);
