/** Icons, drawn on a grid of 24. They only accompany words or labels, so nobody has to see them. */
const paths = {
	inbox: 'M4 13h4l1.5 3h5L16 13h4M5.5 5h13L21 13v6H3v-6z',
	dashboard: 'M4 20V11M10 20V4M16 20v-7M21 20H3',
	users:
		'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M2.5 20c.4-3.6 3-6 6.5-6s6.1 2.4 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5c2 .8 3.2 2.8 3.5 5.5',
	reports: 'M5 21V4h13l-2.5 4.5L18 13H5',
	audit: 'M7 3h8l4 4v14H7zM10 11h6M10 15h6M4 6v15',
	settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5',
	back: 'M15 5l-7 7 7 7',
	close: 'M6 6l12 12M18 6L6 18',
	send: 'M4 4l17 8-17 8 3-8zM7 12h8',
	search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13M15.5 15.5L20 20',
	bell: 'M6 16V10a6 6 0 0 1 12 0v6l1.5 2h-15zM10 20.5h4',
	bellOff: 'M6 16V10a6 6 0 0 1 9-5.2M18 10v6l1.5 2h-15M10 20.5h4M4 3l16 18',
	sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
	moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z',
	auto: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 3v18M15 4v16M18 6v12',
	signOut: 'M14 4H5v16h9M10 12h11M17.5 8.5L21 12l-3.5 3.5',
	help: 'M9 9.2a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.2M12 17.5v.2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18',
	details: 'M4 5h16v14H4zM14.5 5v14',
	more: 'M5 12h.01M12 12h.01M19 12h.01',
	eye: 'M2.5 12C5 7.5 8 5.5 12 5.5s7 2 9.5 6.5C19 16.5 16 18.5 12 18.5s-7-2-9.5-6.5zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6',
	plus: 'M12 5v14M5 12h14',
	download: 'M12 4v11M7.5 11L12 15.5l4.5-4.5M4 20h16',
} as const;
export type IconName = keyof typeof paths;

export const Icon = ({ name }: { name: IconName }) => (
	<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
		<path d={paths[name]} />
	</svg>
);
