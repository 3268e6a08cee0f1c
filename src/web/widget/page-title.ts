let ours = '';
/** countInTitle puts a number in front of the page's title, and takes its own away again: the page may change the rest. */
export const countInTitle = (count: number): void => {
	const rest = ours !== '' && document.title.startsWith(ours) ? document.title.slice(ours.length) : document.title;
	ours = count > 0 ? `(${count}) ` : '';
	if (document.title !== ours + rest) document.title = ours + rest;
};
