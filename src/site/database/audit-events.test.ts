import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeDatabase, type TestDatabase } from '../../../test/support/postgres/databases.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import type { AuditEvent } from '../../protocol/people/audit.ts';
import { insertAuditEvent } from './audit-events.ts';
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
