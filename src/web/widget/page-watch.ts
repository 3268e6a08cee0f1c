/** watchPage tells what becomes of the page: its network, whether it is seen, and whether it is kept for the way back. */
export const watchPage = ({
	onNetwork,
	onVisible,
	onKept,
	onBack,
}: {
	onNetwork: (has: boolean) => void;
	onVisible: () => void;
	onKept: () => void;
	onBack: () => void;
}): void => {
	onNetwork(navigator.onLine);
	addEventListener('online', () => onNetwork(true));
	addEventListener('offline', () => onNetwork(false));
	document.addEventListener('visibilitychange', onVisible);
	addEventListener('pagehide', ({ persisted }) => {
		if (persisted) onKept();
	});
	addEventListener('pageshow', ({ persisted }) => {
		if (persisted) onBack();
	});
};
