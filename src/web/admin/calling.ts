import { calls } from './look.ts';

/** How one is called back to this page: a notification, and a short sound. */

let audio: AudioContext | undefined;

/** startCalling asks the browser to let us call; a click must have led here. Resolves with what is to be told, if anything. */
export const startCalling = async (): Promise<string | null> => {
	calls.value = 'on';
	audio ??= new AudioContext();
	await audio.resume().catch(() => undefined);
	chime();
	if (!('Notification' in globalThis)) return 'This browser has no notifications: you will hear a sound only.';
	const answer = await Notification.requestPermission().catch(() => 'denied' as const);
	return answer === 'granted'
		? null
		: 'Your browser does not allow notifications here: you will hear a sound only. Allow them beside the address of this page.';
};
export const stopCalling = (): void => {
	calls.value = 'off';
};

/** chime is two short notes, made here so that nothing has to be loaded. */
export const chime = (): void => {
	if (calls.value === 'off') return;
	audio ??= new AudioContext();
	const now = audio.currentTime;
	for (const [i, frequency] of [660, 880].entries()) {
		const at = now + i * 0.12;
		const note = audio.createOscillator();
		const volume = audio.createGain();
		note.frequency.value = frequency;
		volume.gain.setValueAtTime(0, at);
		volume.gain.linearRampToValueAtTime(0.08, at + 0.02);
		volume.gain.exponentialRampToValueAtTime(0.001, at + 0.25);
		note.connect(volume).connect(audio.destination);
		note.start(at);
		note.stop(at + 0.3);
	}
};

/** call tells of something that happened while nobody looked. */
export const call = (title: string, body: string, tag: string, onClick: () => void): void => {
	if (calls.value === 'off') return;
	chime();
	if (!('Notification' in globalThis) || Notification.permission !== 'granted' || document.hasFocus()) return;
	const shown = new Notification(title, { body, tag, icon: '/assets/favicon.svg' });
	shown.onclick = () => {
		focus();
		shown.close();
		onClick();
	};
};
