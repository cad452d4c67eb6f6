/** The audit log over HTTP: what the calls of operators write, its pages and export, and the events of members. */

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAuditLog } from '../../src/central/audit/verify-command.ts';
import { reportEvents } from '../../src/kernel/audit/report-events.ts';
import { call, type Signer } from '../../src/kernel/http/client.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { CentralClient } from '../../src/kernel/membership/central-client.ts';
import { type AuditEntry, type AuditEvent, auditReceiptSchema } from '../../src/protocol/people/audit.ts';
import { openEventFile } from '../../src/tracker/audit/event-file.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { REQUEST_LIMITS } from '../support/central-requests.ts';
import { ENGINE } from '../support/postgres/databases.ts';
import type { TestSite } from '../support/test-site.ts';
import type { TestTracker } from '../support/test-tracker.ts';

let harness: CentralHarness;
let site: TestSite;
let tracker: TestTracker;
beforeAll(async () => {
  harness = await startCentralHarness();
  site = await harness.addSite('hz');
  tracker = await harness.addTracker('t');
});
afterAll(() => harness.stop());

const list = async (query = ''): Promise<AuditEntry[]> =>
  ((await harness.request('GET', `/api/audit${query}`)).body as { entries: AuditEntry[] }).entries;

const verify = () =>
  verifyAuditLog(
    {
      dataDirectory: harness.directory,
      database: ENGINE === 'postgres' ? harness.database.place : undefined,
    },
    undefined,
  );

it('changes by operators are in the log, with the values before and after', async () => {
  const path = `/api/sites/${site.id}`;
  expect((await harness.request('PATCH', path, { body: { name: 'Hangzhou' } })).status).toBe(200);
  const object = `site:${site.id}`;
  expect(await list(`?object=${object}`)).toMatchObject([
    {
      action: 'site.create',
      who: { kind: 'operator-token' },
      from: '127.0.0.1',
      object,
      after: { name: 'hz' },
    },
    { action: 'member.join', who: { kind: 'member', id: site.id }, object },
    { action: 'site.edit', object, before: { name: 'hz' }, after: { name: 'Hangzhou' } },
  ]);
});

it('a change that fails writes no entry', async () => {
  const before = (await list('?action=site.edit')).length;
  const path = '/api/sites/01890a5d-ac96-774b-bcce-b302099a8057';
  expect((await harness.request('PATCH', path, { body: { name: 'x' } })).status).toBe(404);
  expect((await list('?action=site.edit')).length).toBe(before);
});

it('uses of the operator token are in the log: each change, and reading once', async () => {
  await expect
    .poll(async () => (await list('?action=break-glass.use')).map(entry => entry.object))
    .toContain('POST /api/sites');
  expect((await list('?action=break-glass.use')).filter(({ object }) => object === undefined)).toHaveLength(
    1,
  );
});

it('lists pages in both orders, and refuses an unknown action', async () => {
  const oldest = await harness.request('GET', '/api/audit?limit=2');
  expect(oldest.body).toMatchObject({ entries: [{ seq: 1 }, { seq: 2 }], next: '2' });
  expect((await list('?limit=2&after=2')).map(({ seq }) => seq)).toEqual([3, 4]);
  const newest = (await list('?order=newest&limit=3')).map(({ seq }) => seq);
  expect(newest).toEqual(newest.toSorted((a, b) => b - a));
  expect((await list(`?order=newest&limit=1&after=${newest[1]}`))[0]?.seq).toBe((newest[1] ?? 0) - 1);
  expect((await harness.request('GET', '/api/audit?action=nothing')).status).toBe(400);
  const [entry] = await list('?action=site&limit=1');
  expect(await list(`?until=${entry?.at}`)).not.toContainEqual(entry);
});

it('exports all entries as JSON lines, more than one page', async () => {
  const event = (index: number): AuditEvent => ({ ...watch, object: `video:${index}` });
  for (let page = 0; page < 4; page++)
    await post(
      1 + page * 200,
      Array.from({ length: 200 }, (_, index) => event(page * 200 + index)),
    );
  const response = await fetch(`${harness.url}/api/audit`, {
    headers: { authorization: 'Bearer operator-token-of-the-tests', accept: 'application/jsonl' },
  });
  expect(response.headers.get('content-type')).toBe('application/jsonl');
  const lines = (await response.text())
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as AuditEntry);
  expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1));
  expect(lines.length).toBeGreaterThan(800);
});

const watch: AuditEvent = {
  at: '2026-12-01T08:00:00.000Z',
  who: { kind: 'nobody', credential: 'grant:0123456789abcdef' },
  from: '192.0.2.1',
  action: 'video.watch',
};

const clientOf = (url: string, signer: Signer = tracker.signer): Pick<CentralClient, 'call'> => ({
  call: (path, { body, response }) =>
    call(url + path, { ...REQUEST_LIMITS, method: 'POST', body, signer, response }),
});

const post = (first: number, events: readonly AuditEvent[]) =>
  clientOf(harness.url).call('/api/audit-events', {
    body: { events: events.map((event, index) => ({ seq: first + index, event })) },
    response: auditReceiptSchema,
  });

describe('the events of a member', () => {
  it('have its name, whatever they say', async () => {
    const [entry] = await list('?action=video.watch&limit=1');
    expect(entry).toMatchObject({ member: tracker.signer.keyId, memberSeq: 1, ...watch, object: 'video:0' });
    expect(Date.parse(entry?.receivedAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
  });

  it('arrive in order and once, also after the member or central was restored', async () => {
    const file = openEventFile(join(harness.directory, 'events.jsonl'), silentLog);
    const add = (name: string): void => file.add({ ...watch, object: `video:${name}` });
    const report = async (): Promise<void> => {
      while (await reportEvents(file, clientOf(harness.url, site.signer), silentLog));
    };
    const reported = async () =>
      (await list('?action=video.watch&limit=500&order=newest'))
        .filter(({ member }) => member === site.id)
        .map(({ object, memberSeq }) => [memberSeq, object])
        .reverse();
    for (const name of ['a', 'b', 'c']) add(name);
    await report();
    // A restored backup of the member: the events after "a" are gone, and others have their numbers.
    const restored = openEventFile(join(harness.directory, 'restored.jsonl'), silentLog);
    for (const name of ['a', 'd', 'e']) restored.add({ ...watch, object: `video:${name}` });
    while (await reportEvents(restored, clientOf(harness.url, site.signer), silentLog));
    expect(await reported()).toEqual([
      [1, 'video:a'],
      [2, 'video:b'],
      [3, 'video:c'],
      [4, 'video:d'],
      [5, 'video:e'],
    ]);
  });

  it('are refused without the signature of a member', async () => {
    const body = { events: [{ seq: 1, event: watch }] };
    expect((await harness.request('POST', '/api/audit-events', { body })).status).toBe(401);
  });
});

it('the log can be verified while central runs', async () => {
  expect(await verify()).toMatchObject({ ok: true });
});
