/**
 * Runs the three examples of /docs and shows what the server answers. They are in `examples`, taken from the page as they
 * are printed there; what the page fills in, and what differs at every run, is filled in by the `fetch` that they are given.
 */
const { resource, key } = document.body.dataset;
const boxOf = (name) => document.querySelector(`[data-run="${name}"]`).parentElement;

/** The user of the last run. A token can be claimed by id alone until its user has made a call. */
let user = { id: '', hasToken: false, hasCalled: false };
let conversationId = '';

const freshName = () => {
	const bytes = crypto.getRandomValues(new Uint8Array(4));
	return `john_doe_${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
};

/** A fetch for an example: it fills in what is printed as a sample, and keeps the answer. */
const createCall = () => {
	const values = {
		'{{origin}}': '',
		'{{resourceId}}': resource,
		'{{key}}': key,
		'{conversationId}': conversationId,
		john_doe: freshName(),
	};
	const fill = (text) =>
		Object.entries(values).reduce((filled, [sample, value]) => filled.replaceAll(sample, value), text);
	const call = {
		answer: null,
		fetch: async (address, { method, headers, body }) => {
			const filled = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value)]));
			const response = await fetch(fill(address), { method, headers: filled, body: fill(body) });
			call.answer = { response, body: await response.clone().json() };
			return response;
		},
	};
	return call;
};

const say = (name, text) => {
	boxOf(name).querySelector('[role=status]').textContent = text;
};
const show = (name, { response, body }) => {
	say(name, `${response.status} ${response.statusText}`.trim());
	const shown = boxOf(name).querySelector('pre');
	shown.textContent = JSON.stringify(body, null, 2);
	shown.hidden = false;
	shown.classList.toggle('bad', !response.ok);
};

/** Runs one example; answers its data, or null where there is none. */
const run = async (name, ...known) => {
	const call = createCall();
	say(name, 'Calling …');
	try {
		await examples[name](call.fetch, ...known);
	} catch (error) {
		// note: an example reads what is not in a refusal; what is to be seen then is the refusal
		if (!call.answer) say(name, `The call could not be made: ${error.message}`);
	}
	if (call.answer) show(name, call.answer);
	return call.answer?.response.ok ? call.answer.body.data : null;
};

/** What an example takes for granted: a call that the page makes by itself. Null if it is refused. */
const prepare = async (name, path, body, headers) => {
	const response = await fetch(`/api/v1${path}`, {
		method: 'POST',
		headers: { 'content-type': 'application/json', ...headers },
		body: JSON.stringify(body),
	});
	const answer = await response.json();
	if (!response.ok) show(name, { response, body: answer });
	return response.ok ? answer.data : null;
};

const createUser = async () => {
	const made = await run('createUser');
	if (!made) return false;
	user = { id: made.id, hasToken: false, hasCalled: false };
	conversationId = '';
	return true;
};

const getChatToken = async () => {
	if ((user.id === '' || user.hasCalled) && !(await createUser())) {
		say('getChatToken', 'It needs a user, and that was refused: see the answer above.');
		return false;
	}
	user.hasToken = (await run('getChatToken', user.id)) !== null;
	return user.hasToken;
};

const sendMessage = async () => {
	const name = 'sendMessage';
	if (!user.hasToken && !(await getChatToken())) {
		say(name, 'It needs a token, and that was refused: see the answer above.');
		return;
	}
	if (conversationId === '') {
		say(name, 'Making somebody to write to …');
		const other = await prepare(name, '/users', { resourceId: resource, username: freshName() });
		if (!other) return;
		const headers = { authorization: `Bearer ${localStorage.getItem('chatToken')}`, 'x-api-key': key };
		user.hasCalled = true;
		const conversation = await prepare(name, '/p2p/conversations', { otherParticipantId: other.id }, headers);
		if (!conversation) return;
		conversationId = conversation.id;
	}
	await run(name);
};

for (const [name, start] of Object.entries({ createUser, getChatToken, sendMessage })) {
	const box = boxOf(name);
	const button = box.querySelector('button');
	box.hidden = false;
	button.addEventListener('click', async () => {
		button.disabled = true;
		try {
			await start();
		} catch (error) {
			say(name, `The call could not be made: ${error.message}`);
		}
		button.disabled = false;
	});
}
