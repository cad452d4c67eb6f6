import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../../test/support/postgres/databases.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import type { AuditEvent } from '../../protocol/people/audit.ts';
import { createAuditOutbox, insertAuditEvent } from './audit-events.ts';
import { type SiteSchema, siteMigrations } from './tables/schema.ts';
import type { SiteDatabase } from './tables/videos.ts';

let database: TestDatabase;
let db: SiteDatabase;
beforeAll(async () => {
  database = await makeDatabase();
  db = await openDatabase<SiteSchema>(database.place, siteMigrations);
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

const event = (object: string): AuditEvent => ({
  at: '2026-12-01T08:00:00.000Z',
  who: { kind: 'operator-token' },
  action: 'video.edit',
  object,
});

it('events of many requests at the same time are numbered without gaps', async () => {
  const objects = Array.from({ length: 40 }, (_, index) => `video:${index}`);
  await Promise.all(objects.map(object => insertAuditEvent(db, event(object))));
  const rows = await db.selectFrom('audit_events').selectAll().orderBy('seq').execute();
  expect(rows.map(({ seq }) => seq)).toEqual(objects.map((_, index) => index + 1));
  expect(rows.map(({ body }) => (JSON.parse(body) as AuditEvent).object).sort()).toEqual(objects.sort());
});

it('an event of a transaction that fails does not exist', async () => {
  const failing = db.transaction().execute(async tx => {
    await insertAuditEvent(tx, event('video:none'));
    throw new Error('the change failed');
  });
  await expect(failing).rejects.toThrow('the change failed');
  await insertAuditEvent(db, event('video:next'));
  const { seq } = await db
    .selectFrom('audit_events')
    .select(({ fn }) => fn.max('seq').as('seq'))
    .executeTakeFirstOrThrow();
  expect(Number(seq)).toBe(41);
});

describe('the outbox', () => {
  let nowMs = Date.UTC(2026, 11, 1);
  const listSeqs = async (): Promise<number[]> =>
    (await db.selectFrom('audit_events').select('seq').orderBy('seq').execute()).map(({ seq }) =>
      Number(seq),
    );

  it('lists in order what central has not confirmed', async () => {
    const outbox = createAuditOutbox(db, () => nowMs);
    await outbox.markSent(39);
    expect((await outbox.listUnsent(10)).map(({ seq }) => seq)).toEqual([40, 41]);
    await outbox.markSent(41);
    expect(await outbox.listUnsent(10)).toEqual([]);
  });

  it('gives events new numbers without gaps, and sends them again', async () => {
    const outbox = createAuditOutbox(db, () => nowMs);
    await db.deleteFrom('audit_events').where('seq', '=', 40).execute();
    await outbox.renumber(39, 41);
    expect(
      (await outbox.listUnsent(10)).map(({ seq, event: { object } }) => [seq, object !== undefined]),
    ).toEqual([
      [41, true],
      [42, true],
    ]);
    await insertAuditEvent(db, event('video:after'));
    expect((await listSeqs()).at(-1)).toBe(43);
  });

  it('sends again what central has lost, as far as it is kept', async () => {
    const outbox = createAuditOutbox(db, () => nowMs);
    await outbox.markSent(43);
    nowMs += 29 * 86_400_000;
    await outbox.markUnsent(41);
    expect((await outbox.listUnsent(10)).map(({ seq }) => seq)).toEqual([42, 43]);
  });

  it('keeps events for 30 days, and the newest one for ever, because the next number follows from it', async () => {
    const outbox = createAuditOutbox(db, () => nowMs);
    await outbox.markSent(43);
    nowMs += 31 * 86_400_000;
    await outbox.markSent(43);
    expect(await listSeqs()).toEqual([43]);
    await insertAuditEvent(db, event('video:last'));
    expect(await listSeqs()).toEqual([43, 44]);
  });
});
