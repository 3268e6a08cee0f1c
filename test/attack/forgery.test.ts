/** Forged chat tokens and identity tokens against the compiled program: each is refused, and by its own name. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { addSite, type Client, client, command, type NewSite, serve, unlimited } from '../blackbox/program-support.ts';
import { tempFolder } from '../support/db-support.ts';
import { hs256, jwt, seconds, tokenSecret } from './attack-support.ts';

setDefaultTimeout(30_000);

const now = seconds(Date.now());
const month = 30 * 24 * 3_600;
const folder = tempFolder();
let site: NewSite;
let other: NewSite;
let ask: Client;
let server: Awaited<ReturnType<typeof serve>>;
/** The one to be impersonated, made by the site's server; one of the other site, one who deleted themselves, and one of the desk. */
let victim: { id: string; token: string };
let stranger: { id: string; token: string };
let erased: { id: string };
let staff: { id: string };

const person = async (of: NewSite, body: object) => {
	const { id } = (await ask('/users', { key: of.secretKey, body })).body.data;
	const { body: minted } = await ask('/users/chat-token', { key: of.secretKey, body: { userId: id } });
	return { id, token: minted.data.chatToken as string };
};

beforeAll(async () => {
	site = await addSite(folder.path, 'site.com');
	other = await addSite(folder.path, 'other.com');
	server = await serve(folder.path, { ...unlimited, PARLEY_TOKEN_SECRET: tokenSecret });
	ask = client(server.url);
	victim = await person(site, { username: 'victim', externalId: '4711' });
	stranger = await person(other, { username: 'stranger', externalId: '4711' });
	const leaving = await person(site, { username: 'leaving' });
	await ask('/users/me', { method: 'DELETE', key: site.publishableKey, token: leaving.token });
	erased = leaving;
	staff = await person(site, { username: 'staff one', role: 'staff', externalId: 'desk-1' });
	await ask('/users/me', { key: site.publishableKey, token: victim.token });
});
afterAll(async () => {
	await server.stop();
	folder[Symbol.dispose]();
});

/** The spelling of base64url with other unused last bits, and otherwise the same bytes. */
const strayBits = (part: string): string => {
	const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
	const last = alphabet.indexOf(part.slice(-1));
	if (part.length % 4 === 0) throw new Error('no unused bits');
	return part.slice(0, -1) + alphabet[last ^ 1];
};
const flip = (part: string, at: number): string => {
	const bytes = Buffer.from(part, 'base64url');
	bytes[at] = (bytes[at] ?? 0) ^ 1;
	return bytes.toString('base64url');
};
const parts = (token: string): [string, string, string] => token.split('.') as [string, string, string];
/** A token whose signature holds one of the two letters in which the alphabets of base64 differ. */
const withSpecialLetters = (make: (salt: string) => string): string => {
	for (let i = 0; ; i++) {
		const token = make(`salt ${i}`);
		if (/[-_]/.test(parts(token)[2])) return token;
	}
};
/** A payload whose length leaves unused bits in base64url. */
const withUnusedBits = (make: (salt: string) => string): string => {
	for (let salt = ''; ; salt += 'x') if (parts(make(salt))[1].length % 4 !== 0) return make(salt);
};

/** What is done to the spelling of a token that is good as it stands. Also to its header, signed with the right secret. */
interface Maker {
	/** A good token, with claims or header changed. */
	good: (claims?: object, header?: object) => string;
	claims: () => object;
	secret: () => string;
}
type Forgery = (maker: Maker) => string;
const spellings: Record<string, Forgery> = {
	'the algorithm none, without a signature': ({ claims }) =>
		jwt({ alg: 'none', typ: 'JWT' }, claims(), 'x').replace(/[^.]*$/, ''),
	'the algorithm none, with a good signature': ({ good }) => good({}, { alg: 'none' }),
	'the algorithm None, without a signature': ({ claims }) => jwt({ alg: 'None' }, claims(), 'x').replace(/[^.]*$/, ''),
	'no algorithm': ({ claims, secret }) => jwt({ typ: 'JWT' }, claims(), secret()),
	'an algorithm that is a list': ({ good }) => good({}, { alg: ['HS256'] }),
	'an algorithm in small letters': ({ good }) => good({}, { alg: 'hs256' }),
	'an algorithm with a blank': ({ good }) => good({}, { alg: 'HS256 ' }),
	'HS384 with the right secret': ({ claims, secret }) => jwt({ alg: 'HS384' }, claims(), secret(), 'sha384'),
	'HS512 with the right secret': ({ claims, secret }) => jwt({ alg: 'HS512' }, claims(), secret(), 'sha512'),
	'HS256 in the header, SHA-512 in the signature': ({ claims, secret }) => jwt(hs256, claims(), secret(), 'sha512'),
	'RS256 in the header, signed by HMAC': ({ good }) => good({}, { alg: 'RS256' }),
	'ES256 in the header, signed by HMAC': ({ good }) => good({}, { alg: 'ES256' }),
	'PS256 in the header, signed by HMAC': ({ good }) => good({}, { alg: 'PS256' }),
	'EdDSA in the header, signed by HMAC': ({ good }) => good({}, { alg: 'EdDSA' }),
	'a critical extension nobody knows': ({ good }) => good({}, { crit: ['vip'], vip: true }),
	'an unencoded payload (b64: false)': ({ good }) => good({}, { crit: ['b64'], b64: false }),
	'a header that is no JSON': ({ claims, secret }) => jwt('{"alg":"HS256"', claims(), secret()),
	'a header that is a list': ({ claims, secret }) => jwt([hs256], claims(), secret()),
	'a header that is null': ({ claims, secret }) => jwt('null', claims(), secret()),
	'a key of its own in the header (jwk)': ({ claims }) =>
		jwt({ ...hs256, jwk: { kty: 'oct', k: Buffer.from('mine').toString('base64url') } }, claims(), 'mine'),
	'an address of a key in the header (jku)': ({ claims }) =>
		jwt({ ...hs256, jku: 'https://evil.com/keys' }, claims(), 'mine'),
	'an address of a certificate in the header (x5u)': ({ claims }) =>
		jwt({ ...hs256, x5u: 'https://evil.com/cert' }, claims(), 'mine'),
	'a key id that is an empty file': ({ claims }) => jwt({ ...hs256, kid: '../../../dev/null' }, claims(), ''),
	'a key id that is SQL': ({ claims }) => jwt({ ...hs256, kid: "x' union select 'mine" }, claims(), 'mine'),
	'an empty secret': ({ claims }) => jwt(hs256, claims(), ''),
	'a secret of its own': ({ claims }) => jwt(hs256, claims(), 'mine'),
	'the right secret in capitals': ({ claims, secret }) => jwt(hs256, claims(), secret().toUpperCase()),
	'the publishable key as secret': ({ claims }) => jwt(hs256, claims(), site.publishableKey),
	'the secret key as secret': ({ claims }) => jwt(hs256, claims(), site.secretKey),
	'the identity secret of the other site': ({ claims }) => jwt(hs256, claims(), other.identitySecret),
	'no signature': ({ good }) => good().replace(/[^.]*$/, ''),
	'no third part': ({ good }) => good().replace(/\.[^.]*$/, ''),
	'one part': ({ good }) => parts(good())[1],
	'two dots in the middle': ({ good }) => good().replace('.', '..'),
	'a dot at the end': ({ good }) => `${good()}.`,
	'a dot at the beginning': ({ good }) => `.${good()}`,
	'four parts': ({ good }) => `${good()}.e30`,
	'five parts, as an encrypted one has': ({ good }) => `${good()}.e30.e30`,
	'only dots': () => '..',
	'padding at the signature': ({ good }) => `${good()}=`,
	'padding at the payload': ({ good }) => {
		const [header, payload, signature] = parts(withUnusedBits((salt) => good({ salt })));
		return `${header}.${payload}=.${signature}`;
	},
	'stray last bits in the signature': ({ good }) => {
		const [header, payload, signature] = parts(good());
		return `${header}.${payload}.${strayBits(signature)}`;
	},
	'stray last bits in the payload': ({ good }) => {
		const [header, payload, signature] = parts(withUnusedBits((salt) => good({ salt })));
		return `${header}.${strayBits(payload)}.${signature}`;
	},
	'a signature in the other alphabet of base64': ({ good }) => {
		const [header, payload, signature] = parts(withSpecialLetters((salt) => good({ salt })));
		return `${header}.${payload}.${signature.replaceAll('-', '+').replaceAll('_', '/')}`;
	},
	'another first bit in the signature': ({ good }) => {
		const [header, payload, signature] = parts(good());
		return `${header}.${payload}.${flip(signature, 0)}`;
	},
	'another last bit in the signature': ({ good }) => {
		const [header, payload, signature] = parts(good());
		return `${header}.${payload}.${flip(signature, 31)}`;
	},
	'half a signature': ({ good }) => {
		const [header, payload, signature] = parts(good());
		return `${header}.${payload}.${Buffer.from(signature, 'base64url').subarray(0, 16).toString('base64url')}`;
	},
	'a longer signature': ({ good }) => {
		const [header, payload, signature] = parts(good());
		return `${header}.${payload}.${Buffer.concat([Buffer.from(signature, 'base64url'), Buffer.alloc(32)]).toString('base64url')}`;
	},
	'the signature in hex': ({ good }) => {
		const [header, payload, signature] = parts(good());
		return `${header}.${payload}.${Buffer.from(signature, 'base64url').toString('hex')}`;
	},
	'a signature of zeros': ({ good }) => {
		const [header, payload] = parts(good());
		return `${header}.${payload}.${Buffer.alloc(32).toString('base64url')}`;
	},
	'the signature of another payload': ({ good }) => {
		const [header, payload] = parts(good({ salt: 'a' }));
		return `${header}.${payload}.${parts(good({ salt: 'b' }))[2]}`;
	},
	'a payload that is no JSON': ({ secret }) => jwt(hs256, 'victim', secret()),
	'a payload that is null': ({ secret }) => jwt(hs256, 'null', secret()),
	'a payload that is a list': ({ claims, secret }) => jwt(hs256, [claims()], secret()),
	'a payload that is a string': ({ claims, secret }) => jwt(hs256, JSON.stringify(JSON.stringify(claims())), secret()),
	'a payload that is not UTF-8': ({ secret }) => {
		const text = `${Buffer.from(JSON.stringify(hs256)).toString('base64url')}.${Buffer.from([0xff, 0xfe, 0x7b]).toString('base64url')}`;
		return `${text}.${new Bun.CryptoHasher('sha256', secret()).update(text).digest('base64url')}`;
	},
	'a token inside a token': ({ good, secret }) => jwt({ ...hs256, cty: 'JWT' }, good(), secret()),
	'a token as a claim of another': ({ good, secret }) => jwt(hs256, { jwt: good() }, secret()),
	'a percent-encoded dot': ({ good }) => good().replace('.', '%2E'),
	'everything in lower case': ({ good }) => good().toLowerCase(),
	'a letter that is no ASCII': ({ good }) => `${good()}\u00e9`,
	'quotes around it': ({ good }) => `"${good()}"`,
};

/** Signed with the right secret, as by somebody who stole it or by a fault of ours: the claims must hold all the same. */
const chatClaims: Record<string, [claims: () => object, code: string]> = {
	'no exp': [() => ({ exp: undefined }), 'invalid_token'],
	'no iat': [() => ({ iat: undefined }), 'invalid_token'],
	'no sub': [() => ({ sub: undefined }), 'invalid_token'],
	'no ver': [() => ({ ver: undefined }), 'invalid_token'],
	'no jti': [() => ({ jti: undefined }), 'invalid_token'],
	'no aud': [() => ({ aud: undefined }), 'invalid_token'],
	'no iss': [() => ({ iss: undefined }), 'invalid_token'],
	'no auth_time': [() => ({ auth_time: undefined }), 'invalid_token'],
	'exp as text': [() => ({ exp: String(now + month) }), 'invalid_token'],
	'exp as a fraction': [() => ({ exp: now + month + 0.5 }), 'invalid_token'],
	'exp beyond all numbers': [() => ({ exp: 1e300 }), 'invalid_token'],
	'exp a second ago': [() => ({ exp: now - 1 }), 'token_expired'],
	'exp before 1970': [() => ({ exp: -1 }), 'token_expired'],
	'exp in a list': [() => ({ exp: [now + month] }), 'invalid_token'],
	'ver as text': [() => ({ ver: '1' }), 'invalid_token'],
	'the previous ver': [() => ({ ver: 0 }), 'token_revoked'],
	'the next ver': [() => ({ ver: 2 }), 'token_revoked'],
	'issuer and audience not the same': [() => ({ iss: 'other.com' }), 'invalid_token'],
	'an audience that is a list': [() => ({ aud: ['site.com'] }), 'invalid_token'],
	'an audience of both sites': [() => ({ aud: ['site.com', 'other.com'] }), 'invalid_token'],
	'the audience in capitals': [() => ({ iss: 'SITE.COM', aud: 'SITE.COM' }), 'wrong_site'],
	'the other site': [() => ({ iss: 'other.com', aud: 'other.com' }), 'wrong_site'],
	'the other site with its own user': [() => ({ iss: 'other.com', aud: 'other.com', sub: stranger.id }), 'wrong_site'],
	'a user of the other site': [() => ({ sub: stranger.id }), 'invalid_token'],
	'a user who deleted themselves': [() => ({ sub: erased.id }), 'invalid_token'],
	'a user who never was': [() => ({ sub: 'user_01kj3zq0x5e6s8r1n6a2c4v7wd' }), 'invalid_token'],
	'the user’s external id': [() => ({ sub: '4711' }), 'invalid_token'],
	'a user id with a blank': [() => ({ sub: `${victim.id} ` }), 'invalid_token'],
	'a user id in capitals': [() => ({ sub: victim.id.toUpperCase() }), 'invalid_token'],
	'a pattern instead of a user id': [() => ({ sub: 'user_%' }), 'invalid_token'],
	'a list of user ids': [() => ({ sub: [victim.id] }), 'invalid_token'],
	'an object instead of a user id': [() => ({ sub: { $ne: null } }), 'invalid_token'],
	'an identity token’s audience': [() => ({ aud: 'chat-identity' }), 'invalid_token'],
};

const chatMaker: Maker = {
	claims: () => ({
		iss: 'site.com',
		aud: 'site.com',
		sub: victim.id,
		jti: crypto.randomUUID(),
		iat: now,
		exp: now + month,
		auth_time: now,
		ver: 1,
	}),
	secret: () => tokenSecret,
	good: (claims = {}, header = {}) => jwt({ ...hs256, ...header }, { ...chatMaker.claims(), ...claims }, tokenSecret),
};

describe('a chat token with', () => {
	/** Neither a call nor a new token is to be had by it. */
	const refuse = async (token: string, code: string) => {
		const call = await ask('/users/me', { key: site.publishableKey, token });
		expect({ status: call.status, code: call.body.code }).toEqual({ status: 401, code });
		expect(call.body.requestId).toBe(call.headers.get('x-request-id'));
		const renewal = await ask('/users/chat-token', { token, body: { userId: victim.id } });
		expect({ status: renewal.status, code: renewal.body.code }).toEqual({
			status: 401,
			code: 'identity_proof_required',
		});
		const send = await ask('/p2p/conversations', {
			key: site.publishableKey,
			token,
			body: { otherParticipantId: staff.id },
		});
		expect(send.status).toBe(401);
	};

	test('nothing wrong is taken, so that the forgeries below are refused for what is wrong with them', async () => {
		for (const token of [chatMaker.good(), chatMaker.good({ salt: 'a' }), chatMaker.good({}, { kid: 'any' })])
			expect((await ask('/users/me', { key: site.publishableKey, token })).body.data?.id).toBe(victim.id);
		expect((await ask('/users/chat-token', { token: chatMaker.good(), body: { userId: victim.id } })).status).toBe(200);
	});

	for (const [name, forge] of Object.entries(spellings))
		test(`${name} is refused`, () => refuse(forge(chatMaker), 'invalid_token'));
	for (const [name, [claims, code]] of Object.entries(chatClaims))
		test(`${name} is refused: ${code}`, () => refuse(chatMaker.good(claims()), code));
	test('the site’s identity secret is refused', () =>
		refuse(jwt(hs256, chatMaker.claims(), site.identitySecret), 'invalid_token'));
	test('the claims of an identity token is refused', () =>
		refuse(
			jwt(hs256, { iss: 'site.com', aud: 'chat-identity', sub: '4711', iat: now, exp: now + 600 }, site.identitySecret),
			'invalid_token',
		));
	test('ten thousand letters is refused', () => refuse(`${chatMaker.good()}${'A'.repeat(10_000)}`, 'invalid_token'));

	for (const [name, header] of Object.entries<(token: string) => string>({
		'behind another scheme': (token) => `Basic ${token}`,
		'without a scheme': (token) => token,
		'twice in one header': (token) => `Bearer ${token} ${token}`,
		'in a list': (token) => `Bearer ${token}, Bearer ${token}`,
		'as a parameter': (token) => `Bearer token=${token}`,
		'that is missing': () => 'Bearer',
		'that is empty': () => 'Bearer ',
	}))
		test(`a header that has it ${name} is refused`, async () => {
			const headers = { authorization: header(chatMaker.good()) };
			const { status, body } = await ask('/users/me', { key: site.publishableKey, headers });
			expect([status, body.code]).toEqual([401, 'invalid_token']);
		});
	test('a place other than the header is not seen at all', async () => {
		const token = chatMaker.good();
		for (const options of [{ headers: { cookie: `chatToken=${token}; authorization=Bearer ${token}` } }, {}]) {
			const { status, body } = await ask(`/users/me?authorization=Bearer%20${token}&token=${token}`, {
				key: site.publishableKey,
				...options,
			});
			expect([status, body.code]).toEqual([401, 'token_required']);
		}
	});
});

const identityMaker: Maker = {
	claims: () => ({ iss: 'site.com', aud: 'chat-identity', sub: '4711', iat: now, exp: now + 600 }),
	secret: () => site.identitySecret,
	good: (claims = {}, header = {}) =>
		jwt({ ...hs256, ...header }, { ...identityMaker.claims(), ...claims }, site.identitySecret),
};
const identityClaims: Record<string, () => object> = {
	'no exp': () => ({ exp: undefined }),
	'no iat': () => ({ iat: undefined }),
	'no sub': () => ({ sub: undefined }),
	'no aud': () => ({ aud: undefined }),
	'no iss': () => ({ iss: undefined }),
	'exp as text': () => ({ exp: String(now + 600) }),
	'iat as text': () => ({ iat: String(now) }),
	'exp null': () => ({ exp: null }),
	'exp beyond the skew ago': () => ({ iat: now - 700, exp: now - 90 }),
	'iat beyond the skew to come': () => ({ iat: now + 200, exp: now + 600 }),
	'a life of more than an hour': () => ({ exp: now + 3_601 }),
	'a life of thirty days': () => ({ exp: now + month }),
	'exp before iat': () => ({ iat: now, exp: now - 10 }),
	'exp at iat': () => ({ iat: now, exp: now }),
	'exp beyond all numbers': () => ({ exp: 1e300 }),
	'nbf to come': () => ({ nbf: now + 300 }),
	'nbf as text': () => ({ nbf: 'tomorrow' }),
	'the audience of chat tokens': () => ({ aud: 'site.com' }),
	'an audience that is a list': () => ({ aud: ['chat-identity'] }),
	'another audience': () => ({ aud: 'chat-identity ' }),
	'an unknown issuer': () => ({ iss: 'nowhere.com' }),
	'the issuer in capitals': () => ({ iss: 'SITE.COM' }),
	'an issuer that is a list': () => ({ iss: ['site.com'] }),
	'an empty sub': () => ({ sub: '' }),
	'a blank sub': () => ({ sub: ' ' }),
	'a sub that is a number': () => ({ sub: 4711 }),
	'a sub that is null': () => ({ sub: null }),
	'a sub that is a list': () => ({ sub: ['4711'] }),
	'a sub that is an object': () => ({ sub: { toString: '4711' } }),
	'a sub of 129 letters': () => ({ sub: 'x'.repeat(129) }),
	'a sub with NUL': () => ({ sub: '4711\0' }),
	'a sub with half a character': () => ({ sub: '4711\ud800' }),
};

describe('an identity token with', () => {
	const usersOf = async () =>
		JSON.stringify(await command<object[]>(folder.path, 'user', 'list', '--site', 'site.com'));
	let before = '';
	beforeAll(async () => {
		before = await usersOf();
	});
	afterAll(async () => {
		expect(await usersOf()).toBe(before);
	});
	/** Neither a token nor a user is to be had by it. */
	const refuse = async (identityToken: string, codes = ['invalid_identity_token']) => {
		for (const [path, body] of [
			['/users/chat-token', { identityToken }],
			['/users/chat-token', { identityToken, userId: victim.id }],
			['/users', { identityToken, username: 'somebody else', resourceId: 'site.com' }],
		] as const) {
			const answer = await ask(path, { body });
			expect({
				path,
				body,
				status: answer.status,
				code: codes.includes(answer.body.code) ? '' : answer.body.code,
			}).toEqual({ path, body, status: 401, code: '' });
		}
	};

	test('nothing wrong is taken, so that the forgeries below are refused for what is wrong with them', async () => {
		for (const claims of [{}, { salt: 'a' }, { iat: now - 50, exp: now + 3_550 }, { iat: now + 30 }, { nbf: now }])
			expect(
				(await ask('/users/chat-token', { body: { identityToken: identityMaker.good(claims) } })).body.data?.user.id,
			).toBe(victim.id);
	});
	for (const [name, forge] of Object.entries(spellings))
		if (!name.startsWith('a letter that is no ASCII')) test(`${name} is refused`, () => refuse(forge(identityMaker)));
	for (const [name, claims] of Object.entries(identityClaims))
		test(`${name} is refused`, () => refuse(identityMaker.good(claims())));
	test('letters that are no ASCII is refused', () => refuse(`${identityMaker.good()}ক\u200b`));
	test('the secret of chat tokens is refused', () => refuse(jwt(hs256, identityMaker.claims(), tokenSecret)));
	test('the form of a chat token is refused', () => refuse(victim.token));
	test('the site’s name, by another site’s secret, is refused', () =>
		refuse(jwt(hs256, identityMaker.claims(), other.identitySecret)));

	test('another site’s name and secret gives nothing here', async () => {
		const identityToken = jwt(hs256, { ...identityMaker.claims(), iss: 'other.com' }, other.identitySecret);
		const withKey = await ask('/users/chat-token', { key: site.publishableKey, body: { identityToken } });
		expect([withKey.status, withKey.body.code]).toEqual([401, 'wrong_site']);
		const withId = await ask('/users/chat-token', { body: { identityToken, userId: victim.id } });
		expect([withId.status, withId.body.code]).toEqual([401, 'identity_proof_required']);
		const alone = await ask('/users/chat-token', { body: { identityToken } });
		expect(alone.body.data.user.id).toBe(stranger.id);
	});
	test('a user id as sub is somebody else, never that user', async () => {
		// rolled back with the refusal: no user is made of it
		const identityToken = identityMaker.good({ sub: victim.id });
		const { status, body } = await ask('/users/chat-token', { body: { identityToken, userId: victim.id } });
		expect([status, body.code]).toEqual([401, 'identity_proof_required']);
	});
	test('the sub of a desk user gives no token', async () => {
		const identityToken = identityMaker.good({ sub: 'desk-1' });
		for (const body of [{ identityToken }, { identityToken, userId: staff.id }]) {
			const answer = await ask('/users/chat-token', { body });
			expect([answer.status, answer.body.code]).toEqual([401, 'identity_proof_required']);
		}
	});
	test('claims of a role and of flags gives neither', async () => {
		const identityToken = identityMaker.good({
			role: 'superadmin',
			permissions: { canEditMessage: true },
			verified: true,
		});
		const { body } = await ask('/users/chat-token', { body: { identityToken } });
		expect(body.data.user).toEqual({ id: victim.id, username: 'victim', role: 'user' });
	});
	test('more than 4096 letters is malformed', async () => {
		const { status, body } = await ask('/users/chat-token', {
			body: { identityToken: identityMaker.good({ salt: 'x'.repeat(4_096) }) },
		});
		expect([status, body.code]).toEqual([400, 'invalid_request']);
	});
});

test('after all of it the one to be impersonated is still in, and alone', async () => {
	const { status, body } = await ask('/users/me', { key: site.publishableKey, token: victim.token });
	expect([status, body.data.id, body.data.username]).toEqual([200, victim.id, 'victim']);
});

test('an identity token by a secret that was changed ends at once', async () => {
	const identityToken = identityMaker.good();
	expect((await ask('/users/chat-token', { body: { identityToken } })).status).toBe(200);
	await command(folder.path, 'site', 'set', 'site.com', '--rotate-identity-secret');
	// another process changed it: seen within a quarter of a second
	await Bun.sleep(400);
	const { status, body } = await ask('/users/chat-token', { body: { identityToken } });
	expect([status, body.code]).toEqual([401, 'invalid_identity_token']);
});
