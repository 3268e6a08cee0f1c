import { describe, expect, test } from 'bun:test';
import { checkOf, readCursor, writeCursor } from '../../../src/modules/events/cursor.ts';
import { createTestApp } from '../../support/test-app.ts';

const life = { epoch: '3f9a1c5e7b20', secret: 'a secret' };

test('a cursor does not tell when its event was: without the secret of the database nothing can be compared', () => {
	const event = { id: 7, createdAt: 1_772_366_400_000 };
	expect(writeCursor(life, event)).not.toContain(event.createdAt.toString(36));
	expect(checkOf(life, event)).not.toBe(checkOf({ ...life, secret: 'another' }, event));
	expect(checkOf(life, event)).not.toBe(checkOf(life, { ...event, createdAt: event.createdAt + 1 }));
});

test('a cursor is read as it was written', () => {
	for (const [id, createdAt] of [
		[1, 0],
		[42, 1_772_366_400_000],
		[999_999_999_999_999, Number.MAX_SAFE_INTEGER],
	] as const) {
		const event = { id, createdAt };
		const text = writeCursor(life, event);
		expect(readCursor(text)).toEqual({ epoch: life.epoch, id, check: checkOf(life, event) });
		expect(text.length).toBeLessThanOrEqual(64);
	}
	expect(readCursor(writeCursor(life, null))).toEqual({ epoch: life.epoch, id: 0, check: '0' });
});

test('what is no cursor is not read as one', () => {
	const none = ['', '.', 'e.1', 'e.1.2.3', '.1.a', 'e..a', 'e.1.', 'e.-1.a', 'e.1e3.a', 'e.1.5.a', 'E.1.a', 'e.1.A'];
	const more = [' e.1.a', 'e.1.a\n', 'e. 1.a', `e.${'9'.repeat(16)}.a`, 'é.1.a', 'e.0x1.a', "e.1.a' or 1=1", 'e.١.a'];
	for (const text of [...none, ...more]) expect({ text, read: readCursor(text) }).toEqual({ text, read: null });
});

/** A world with some events behind it, and the parts of the newest cursor. */
const begun = async () => {
	const t = await createTestApp();
	const chat = await t.conversation('alice', 'bob');
	await t.send('alice', chat, 'one');
	await t.send('alice', chat, 'two');
	const { eventLog } = t.services;
	const [epoch = '', id = '', check = ''] = eventLog.cursor().split('.');
	return { t, chat, eventLog, epoch, id: Number(id), check };
};

describe('a place in the log', () => {
	test('is known by the cursor behind any event that is kept', async () => {
		const { t, eventLog } = await begun();
		using _ = t;
		for (const { id } of t.rows<{ id: number }>('select id from events')) {
			const cursor = eventLog.cursor(id);
			expect(eventLog.idOf(cursor)).toBe(id);
		}
		expect(eventLog.cursor()).toBe(eventLog.cursor(eventLog.lastId));
	});

	test('is not known by what is none, by another epoch, by an id that is yet to come, or by another check', async () => {
		const { t, eventLog, epoch, id, check } = await begun();
		using _ = t;
		expect(eventLog.idOf(`${epoch}.${id}.${check}`)).toBe(id);
		for (const cursor of [
			'nonsense',
			`${epoch}x.${id}.${check}`,
			`${'0'.repeat(epoch.length)}.${id}.${check}`,
			`${epoch}.${id + 1}.${check}`,
			`${epoch}.${id}.${check}0`,
			`${epoch}.${id}.0`,
		])
			expect({ cursor, id: eventLog.idOf(cursor) }).toEqual({ cursor, id: null });
	});

	test('is not known any more where a restored copy has given its id to another event', async () => {
		const { t, eventLog, id } = await begun();
		using _ = t;
		const cursor = eventLog.cursor();
		t.sqlite.run(`update events set created_at = created_at + 1 where id = ${id}`);
		expect(eventLog.idOf(cursor)).toBeNull();
		t.sqlite.run(`update events set created_at = created_at - 1 where id = ${id}`);
		expect(eventLog.idOf(cursor)).toBe(id);
	});

	test('before the first event is known as long as the first is kept', async () => {
		const { t, eventLog, epoch } = await begun();
		using _ = t;
		const cursor = `${epoch}.0.0`;
		expect(eventLog.idOf(cursor)).toBe(0);
		t.sqlite.run('delete from events where id = 1');
		expect(eventLog.idOf(cursor)).toBeNull();
	});

	test('of one database is not known in another', async () => {
		const one = await begun();
		using _one = one.t;
		const two = await begun();
		using _two = two.t;
		expect(one.epoch).not.toBe(two.epoch);
		expect(two.eventLog.idOf(one.eventLog.cursor())).toBeNull();
	});

	test('is named by numbers of which the greater is the later', async () => {
		const { t, chat, eventLog } = await begun();
		using _ = t;
		const cursors: number[] = [];
		for (let i = 0; i < 20; i++) {
			// also where the clock is set back
			if (i === 10) t.advance(-60_000);
			await t.send('alice', chat, String(i));
			cursors.push(Number(eventLog.cursor().split('.')[1]));
		}
		expect(cursors).toEqual([...cursors].sort((a, b) => a - b));
		expect(new Set(cursors).size).toBe(20);
	});
});
