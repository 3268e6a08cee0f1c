/**
 * The pages behind a one-time link: /setup and /access. The token stands in the fragment, which is never sent; it is
 * taken out of the address bar at once, so that it does not stay in the history or on a screenshot.
 */
const find = (selector) => document.querySelector(selector);
const findAll = (selector) => [...document.querySelectorAll(selector)];
const show = (id) => {
	for (const section of findAll('main > section')) section.hidden = section.id !== id;
};

let token = '';
const takeToken = () => {
	const found = location.hash.slice(1);
	if (found) {
		token = found;
		history.replaceState(null, '', location.pathname);
	}
	show(token ? 'with-token' : 'without-token');
};

const form = find('form');
const problem = find('#problem');
const submit = form.querySelector('button[type=submit]');
const inputs = [...form.elements].filter((element) => element.name);

const markField = (input, message) => {
	const id = `${input.id}-error`;
	document.getElementById(id)?.remove();
	input.toggleAttribute('aria-invalid', false);
	const described = (input.getAttribute('aria-describedby') ?? '').split(' ').filter((part) => part && part !== id);
	if (message) {
		const line = Object.assign(document.createElement('p'), { id, className: 'error', textContent: message });
		input.after(line);
		input.setAttribute('aria-invalid', 'true');
		described.push(id);
	}
	input.setAttribute('aria-describedby', described.join(' '));
};

/** The server says it as half a sentence, `is required`. */
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Shows what went wrong: at each field that is named, the rest above the form. */
const showFailure = (message, errors = []) => {
	const rest = [];
	for (const error of errors) {
		const input = inputs.find((candidate) => candidate.name === error.path);
		if (input) markField(input, sentence(error.message));
		else rest.push(error.message);
	}
	problem.replaceChildren(
		...[message, ...rest].map((text) => Object.assign(document.createElement('p'), { textContent: text })),
	);
	problem.hidden = !message && rest.length === 0;
	(inputs.find((input) => input.getAttribute('aria-invalid') === 'true') ?? problem).focus();
};
const clearFailure = () => {
	problem.hidden = true;
	for (const input of inputs) markField(input, null);
};

/**
 * A website's address as people paste it, `https://www.site.com/page`, is cut down to `site.com`: a site has its
 * subdomains, but not what stands above it.
 */
const hostOf = (text) => {
	const address = text.trim().toLowerCase();
	const url = URL.parse(/^https?:/.test(address) ? address : `https://${address}`);
	return url ? url.host.replace(/^www\./, '') : address;
};

const readBody = () => {
	const body = { [form.dataset.token]: token };
	for (const input of inputs) {
		const value = input.type === 'password' ? input.value : input.value.trim();
		if (value !== '') body[input.name] = 'host' in input.dataset ? hostOf(value) : value;
	}
	return body;
};

const showDone = (body, data) => {
	const values = { ...data, ...data.user, ...body, username: data.user.username, origin: location.origin };
	for (const element of findAll('[data-show]')) element.textContent = values[element.dataset.show] ?? '';
	for (const element of findAll('[data-fill]'))
		element.textContent = element.dataset.fill.replaceAll(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
	const onThisMachine = find('#on-this-machine');
	if (onThisMachine) onThisMachine.hidden = !/^(?:localhost|127\.|\[::1\])/.test(location.hostname);
	form.reset();
	token = '';
	show('done');
	find('#done h1').focus();
};

const send = async () => {
	const body = readBody();
	let answer;
	try {
		const response = await fetch(form.dataset.call, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify(body),
		});
		answer = await response.json();
	} catch {
		showFailure('The server did not answer. Check the connection and try again.');
		return;
	}
	if (answer.success) showDone(body, answer.data);
	else showFailure(answer.message, answer.errors);
};

form.addEventListener('submit', async (event) => {
	event.preventDefault();
	clearFailure();
	const missing = inputs.filter((input) => !input.validity.valid);
	if (missing.length > 0) {
		showFailure(
			'',
			missing.map((input) => ({ path: input.name, message: input.validationMessage })),
		);
		return;
	}
	submit.disabled = true;
	await send();
	submit.disabled = false;
});

for (const box of findAll('[data-reveal]'))
	box.addEventListener('change', () => {
		document.getElementById(box.dataset.reveal).type = box.checked ? 'text' : 'password';
	});

// note: pages over plain http have no clipboard, except on this machine
if (navigator.clipboard)
	for (const button of findAll('button.copy')) {
		const label = button.textContent;
		button.hidden = false;
		button.addEventListener('click', async () => {
			await navigator.clipboard.writeText(button.previousElementSibling.textContent);
			button.textContent = 'Copied';
			setTimeout(() => {
				button.textContent = label;
			}, 2000);
		});
	}

addEventListener('hashchange', takeToken);
takeToken();
