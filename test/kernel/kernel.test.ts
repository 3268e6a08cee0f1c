import { describe, expect, test } from 'bun:test';
import { iso, isoOrNull, utcDay } from '../../src/kernel/clock.ts';
import { AppError, type FailureCode, failures } from '../../src/kernel/errors.ts';
import { newId, newSecret, sha256 } from '../../src/kernel/ids.ts';
import { pageOf } from '../../src/kernel/page.ts';
import { atLeast, isDesk, rank, roles } from '../../src/kernel/roles.ts';

describe('ids', () => {
	test('are TypeIDs of their kind, unique, and sort by time', async () => {
		const made: string[] = [];
		for (let i = 0; i < 5; i++) {
			made.push(newId('msg'));
			await Bun.sleep(2);
		}
		for (const id of made) expect(id).toMatch(/^msg_[0-7][0-9a-hjkmnp-tv-z]{25}$/);
		expect([...made].sort()).toEqual(made);
		expect(new Set(Array.from({ length: 10_000 }, () => newId('user'))).size).toBe(10_000);
	});
	test('secrets have 256 random bits behind what they are', () => {
		expect(newSecret('sk_')).toMatch(/^sk_[\w-]{43}$/);
		expect(newSecret('')).not.toBe(newSecret(''));
	});
	test('secrets are stored as their SHA-256', () => {
		// FIPS 180-4, the example of "abc"
		expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
	});
});

describe('failures', () => {
	test('have a code in snake_case, a status of the contract, and a sentence that tells what to do', () => {
		for (const [code, [status, message]] of Object.entries(failures)) {
			expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
			expect([
				code,
				[400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 426, 429, 500, 503, 507].includes(status),
			]).toEqual([code, true]);
			expect([code, /^[A-Z“].{15,}[.)]$/s.test(message) || message.length > 15]).toEqual([code, true]);
			// nothing of how the server is made
			expect([code, /sqlite|drizzle|elysia|stack|\.ts\b/i.test(message)]).toEqual([code, false]);
		}
	});
	test('carry their status and sentence, and keep their cause to themselves', () => {
		const error = new AppError('not_found', { cause: new Error('secret') });
		expect([error.status, error.code, error.message]).toEqual([404, 'not_found', failures.not_found[1]]);
		expect(new AppError('not_found' as FailureCode, { message: 'No such.' }).message).toBe('No such.');
		expect(error.message).not.toContain('secret');
	});
});

test('times are ISO 8601 in UTC with milliseconds, days are UTC days', () => {
	expect(iso(0)).toBe('1970-01-01T00:00:00.000Z');
	expect(isoOrNull(null)).toBeNull();
	expect(isoOrNull(1)).toBe('1970-01-01T00:00:00.001Z');
	expect(utcDay(Date.UTC(2026, 1, 28, 23, 59, 59, 999))).toBe('2026-02-28');
	expect(utcDay(Date.UTC(2026, 1, 28, 24))).toBe('2026-03-01');
});

test('a page tells where it stands; an empty list has none', () => {
	expect(pageOf([], 0, { page: 1, limit: 20 })).toEqual({ data: [], total: 0, page: 1, limit: 20, totalPages: 0 });
	for (const [total, limit, totalPages] of [
		[1, 20, 1],
		[20, 20, 1],
		[21, 20, 2],
		[100, 1, 100],
	] as const)
		expect(pageOf([], total, { page: 1, limit }).totalPages).toBe(totalPages);
});

test('roles stand in one order, and all above user are the desk', () => {
	expect([...roles]).toEqual(['user', 'staff', 'moderator', 'admin', 'superadmin']);
	for (const [i, role] of roles.entries()) {
		expect([rank(role), isDesk(role)]).toEqual([i, i > 0]);
		for (const [j, least] of roles.entries()) expect(atLeast(role, least)).toBe(i >= j);
	}
});
