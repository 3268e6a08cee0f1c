/** beep is a short sound, made here: no file to fetch. */
export const beep = (): void => {
	try {
		const audio = new AudioContext();
		const tone = audio.createOscillator();
		const volume = audio.createGain();
		tone.frequency.value = 660;
		volume.gain.setValueAtTime(0.08, audio.currentTime);
		volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.25);
		tone.connect(volume).connect(audio.destination);
		tone.onended = () => audio.close();
		tone.start();
		tone.stop(audio.currentTime + 0.25);
	} catch {
		// a page that nobody has touched yet may make no sound
	}
};
