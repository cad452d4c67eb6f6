import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { findVideo } from '../../src/central/database/catalogue.ts';
import { findStart, registerUpTo, thinRegistrations } from '../../src/central/database/feed.ts';
import { type CentralSchema, migrations } from '../../src/central/database/schema.ts';
import { call } from '../../src/kernel/http/client.ts';
import { readOrMakeKey, sha256Hex } from '../../src/kernel/identity/keys.ts';
import { signRequest, splitUrl } from '../../src/kernel/identity/signatures.ts';
import { openDatabase } from '../../src/kernel/sql/sql.ts';
import { canonicalJson } from '../../src/protocol/base/canonical.ts';
import { newVideoId, type VideoId } from '../../src/protocol/base/ids.ts';
import { registrationResponseSchema, type Site } from '../../src/protocol/central.ts';
import { heldPageSchema } from '../../src/protocol/publication/handshake.ts';
import type { PublicationRecord } from '../../src/protocol/publication/record.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { joinCentral } from '../support/central-requests.ts';
import { eventually } from '../support/eventually.ts';
import { tombstone, videoRecord } from '../support/records.ts';
import type { TestSite } from '../support/test-site.ts';

let harness: CentralHarness;
beforeEach(async () => {
  harness = await startCentralHarness();
});
afterEach(async () => {
  vi.useRealTimers();
  await harness.stop();
});

const listed = async (query = ''): Promise<string[]> =>
  (await harness.request('GET', `/api/videos${query}`, { token: null })).body.videos.map(
    (video: { name: string }) => video.name,
  );
const videoOf = (id: VideoId) => harness.request('GET', `/api/videos/${id}`, { token: null });
const siteRow = async (site: TestSite, as: { readonly token?: null } = { token: null }) =>
  (await harness.request('GET', '/api/sites', as)).body.sites.find(
    (row: { id: string }) => row.id === site.id,
  );
const newestSignal = async () => (await harness.request('GET', '/api/signals')).body.signals[0];
const hashOf = (record: PublicationRecord): string => sha256Hex(canonicalJson(record));
const registeredOf = async (site: TestSite, ...videos: VideoId[]) =>
  (
    await call(`${harness.central.url}/api/registrations/query`, {
      method: 'POST',
      body: { videos },
      signer: site.signer,
      timeoutMs: 5_000,
      maxBytes: 100_000,
      response: registrationResponseSchema,
    })
  ).registered;

describe('publication', () => {
  it('goes from the signal through collection and acknowledgement to the catalogue, the change feed and registration', async () => {
    const site = await harness.addSite('Hangzhou');
    const tracker = await harness.addTracker('tracker');
    const { position } = await tracker.changes(0);
    const waiting = tracker.changes(position, '&wait=20');
    const record = site.put(videoRecord({ name: '课程一' }));

    const startedMs = performance.now();
    await site.signal();
    const { changes, position: reached, more } = await waiting;
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(more).toBe(false);
    expect(changes).toMatchObject([
      { kind: 'video', site: site.id, video: record.video, version: 1, name: '课程一' },
    ]);
    expect((await videoOf(record.video)).body).toMatchObject({
      state: 'published',
      site: { name: 'Hangzhou' },
    });
    expect(await registeredOf(site, record.video)).toEqual([]);

    await eventually('the site gets an acknowledgement', async () => site.acknowledged.length > 0);
    expect(site.acknowledged).toEqual([{ video: record.video, version: 1, hash: hashOf(record) }]);
    await tracker.changes(reached);
    const { body } = await videoOf(record.video);
    expect(body).toMatchObject({
      state: 'registered',
      path: 'videos/a/source.mp4',
      sourceAddress: '192.0.2.7:8090',
      codecs: ['avc1.64001f'],
      copies: [{ site: site.id, address: '192.0.2.7:8090', state: 'origin' }],
    });
    expect(body.registeredAt >= body.publishedAt).toBe(true);
    expect(await registeredOf(site, record.video, newVideoId())).toEqual([
      { video: record.video, version: 1 },
    ]);

    const signal = await eventually('the newest signal is handled', async () => {
      const row = await newestSignal();
      return row.handledAt && row;
    });
    expect(signal).toMatchObject({ site: { id: site.id, name: 'Hangzhou' }, attempts: 1, records: 1 });
    expect(await siteRow(site)).toMatchObject({ pendingSignals: 0, lagMs: 0, videos: 1 });
    const [trackerRow] = (await harness.request('GET', '/api/trackers')).body.trackers;
    expect(trackerRow.position).toBe(reached);
  });

  it('moves a changed video to the end of the feed, where it must be registered again', async () => {
    const site = await harness.addSite('a');
    const tracker = await harness.addTracker('tracker');
    const record = videoRecord();
    site.put(record);
    await site.collect();
    const first = await tracker.changes(0);
    await tracker.changes(first.position);
    site.put({ ...record, version: 2, name: 'Renamed' });
    await site.collect();
    expect((await videoOf(record.video)).body).toMatchObject({ state: 'published', name: 'Renamed' });
    const second = await tracker.changes(first.position);
    expect(second.changes).toMatchObject([{ kind: 'video', version: 2 }]);
    expect(await tracker.changesOf(0)).toHaveLength(2); // the site and the video: no history
    expect(await registeredOf(site, record.video)).toEqual([]);
    await tracker.changes(second.position);
    expect(await registeredOf(site, record.video)).toEqual([{ video: record.video, version: 2 }]);
  });

  it('registers nothing for a tracker that starts over or that is ahead of the feed', async () => {
    const site = await harness.addSite('a');
    const tracker = await harness.addTracker('tracker');
    const record = site.put(videoRecord());
    await site.collect();
    await tracker.changes(0);
    const page = await tracker.changes(1_000_000);
    expect(page.changes).toHaveLength(2);
    expect((await videoOf(record.video)).body.state).toBe('published');
  });

  it('remembers when each position was registered, and for old positions the minute', async () => {
    const db = await openDatabase<CentralSchema>(harness.database.place, migrations);
    const site = await harness.addSite('a');
    const tracker = await harness.addTracker('tracker');
    const videos: VideoId[] = [];
    for (let n = 0; n < 4; n++) {
      videos.push(site.put(videoRecord()).video);
      await site.collect();
    }
    const last = (await tracker.changes(0)).position;
    const minuteMs = 60_000;
    const times = [minuteMs, minuteMs + 1, minuteMs + 2, 5 * minuteMs];
    for (const [order, atMs] of times.entries()) {
      await registerUpTo(db, 'of these times', last - times.length + 1 + order, atMs);
    }
    const since = async () =>
      Promise.all(videos.map(async video => Number((await findVideo(db, video))?.registered_at)));
    expect(await since()).toEqual(times);
    // A tracker that is behind changes nothing.
    await registerUpTo(db, 'of these times', last - 1, 9 * minuteMs);
    await thinRegistrations(db, 5 * minuteMs);
    expect(await since()).toEqual([minuteMs + 2, minuteMs + 2, minuteMs + 2, 5 * minuteMs]);
    await db.destroy();
  });

  it('makes a tracker with another history read everything again, however far this history is', async () => {
    const db = await openDatabase<CentralSchema>(harness.database.place, migrations);
    const site = await harness.addSite('a');
    const tracker = await harness.addTracker('tracker');
    site.put(videoRecord());
    await site.collect();
    const kept = (await tracker.changes(0)).position;
    site.put(videoRecord());
    await site.collect();
    const lost = (await tracker.changes(kept)).position;
    // The state of a backup from before the second video.
    await db.deleteFrom('videos').where('position', '>', kept).execute();
    await db.updateTable('feed').set({ position: kept }).execute();
    await harness.restart();
    const record = site.put(videoRecord());
    await site.collect();
    const page = await tracker.changes(lost);
    expect(page.changes.length).toBeGreaterThan(2);
    expect(page.changes.at(-1)).toMatchObject({ video: record.video });
    expect(page.position).toBeGreaterThan(lost);
    expect((await tracker.changes(kept)).changes).toHaveLength(page.changes.length - 2);
    // After an ordinary restart nobody reads anything again.
    await harness.restart();
    expect((await tracker.changes(page.position)).changes).toEqual([]);
    expect(await findStart(db, page.position)).toBe(page.position);
    await db.destroy();
  });

  it('collects a backlog page by page, and pages the feed', async () => {
    const site = await harness.addSite('a');
    const tracker = await harness.addTracker('tracker');
    site.pageRows = 100;
    for (let n = 0; n < 2_250; n++) site.put(videoRecord());
    await site.signal();
    await eventually('the newest signal is handled', async () => (await newestSignal()).handledAt, 40_000);
    expect((await newestSignal()).records).toBe(2_250);
    expect(site.reads).toBe(23);
    let position = 0;
    let count = 0;
    for (let more = true; more; ) {
      const page = await tracker.changes(position, '&limit=1000');
      const positions = page.changes.map(change => change.position);
      expect(positions).toEqual([...positions].sort((a, b) => a - b));
      count += page.changes.length;
      ({ position, more } = page);
    }
    expect(count).toBe(2_251);
  });

  it('acknowledges known records again, ignores older ones, and never acknowledges a conflict', async () => {
    const site = await harness.addSite('a');
    const record = videoRecord({ version: 3 });
    site.put(record);
    expect(await site.collect()).toEqual({ records: 1 });
    site.put(record);
    expect(await site.collect()).toEqual({ records: 1 });
    expect(site.acknowledged).toHaveLength(2);

    site.put({ ...record, version: 2, name: 'Old' });
    expect((await site.collect()).error).toMatch(/is older than the one at central/);
    // Their histories differ: central accepts nothing more until the site makes a new handshake.
    expect((await site.collect()).error).toMatch(/waits for a handshake \(Version 2 of video .* is older/);
    expect(await siteRow(site)).toMatchObject({ lastErrorCode: 'epoch-mismatch' });
    await site.handshake();
    site.put({ ...record, name: 'Forked' });
    const { records, error } = await site.collect();
    expect(records).toBe(0);
    expect(error).toMatch(/was received before with different content/);
    expect(site.acknowledged).toHaveLength(2);
    expect((await videoOf(record.video)).body.name).toBe('A lecture');
    const { lastError, ...known } = await siteRow(site, {});
    expect(lastError).toMatch(/was received before with different content/);
    expect(known.lastErrorCode).toBe('conflict');
    expect(await siteRow(site)).toMatchObject({ lastErrorCode: 'conflict' });
    expect(await siteRow(site)).not.toHaveProperty('lastError');
    await site.handshake();

    site.put({ ...record, version: 4, name: 'Renumbered' });
    expect(await site.collect()).toEqual({ records: 1 });
    expect((await videoOf(record.video)).body.name).toBe('Renumbered');
    expect((await siteRow(site, {})).lastError).toBeUndefined();
  });

  it('does not let a refused record block the others, and does not read the same page forever', async () => {
    const site = await harness.addSite('a');
    const record = videoRecord({ version: 3 });
    site.put(record);
    await site.collect();
    site.pageRows = 1;
    site.put({ ...record, name: 'Forked' });
    const other = site.put(videoRecord());
    expect((await site.collect()).error).toMatch(/was received before with different content/);
    await site.handshake();
    site.pageRows = 500;
    await site.collect();
    expect((await videoOf(other.video)).status).toBe(200);

    await site.handshake();
    const again = videoRecord();
    site.page = () => ({
      site: site.id,
      epoch: site.epoch,
      records: [{ record: again, hash: hashOf(again) }],
      more: true,
    });
    const reads = site.reads;
    expect((await site.collect()).error).toMatch(/offers records again/);
    expect(site.reads - reads).toBe(2);
  });

  it('keeps withdrawn videos withdrawn', async () => {
    const site = await harness.addSite('a');
    const tracker = await harness.addTracker('tracker');
    const record = videoRecord();
    site.put(record);
    await site.collect();
    site.put(tombstone(record.video, 2));
    expect(await site.collect()).toEqual({ records: 1 });
    const gone = await videoOf(record.video);
    expect(gone.status).toBe(410);
    expect(gone.body.code).toBe('video-withdrawn');
    expect(await listed()).toEqual([]);
    const { changes, position } = await tracker.changes(0);
    expect(changes.at(-1)).toMatchObject({ kind: 'withdrawn', video: record.video, version: 2 });
    await tracker.changes(position);
    expect(await registeredOf(site, record.video)).toEqual([{ video: record.video, version: 2 }]);
    site.put({ ...record, version: 9 });
    expect((await site.collect()).error).toMatch(/belongs to a withdrawn video/);
    expect((await videoOf(record.video)).status).toBe(410);
    await site.handshake();

    const neverSeen = site.put(tombstone(newVideoId(), 5));
    // The site has lost a row that central has, and the digests differ.
    site.rows.delete(record.video);
    expect(await site.collect()).toMatchObject({ records: 1 });
    expect(await siteRow(site)).toMatchObject({ lastErrorCode: 'digest-differs' });
    expect((await videoOf(neverSeen.video)).status).toBe(410);
    expect((await videoOf(newVideoId())).body.code).toBe('video-unknown');
  });

  it('collects records that are written during a read in another run', async () => {
    const site = await harness.addSite('a');
    site.put(videoRecord({ name: 'First' }));
    let late = false;
    site.beforeAnswer = async () => {
      if (late) return;
      late = true;
      const answered = site.signal();
      // Written after this page was read, so only the next run can see it.
      void answered.then(() => setTimeout(() => site.put(videoRecord({ name: 'Second' })), 0));
      await answered;
    };
    await site.signal();
    await eventually('both videos are listed', async () => (await listed()).length === 2);
    await eventually('no signal is pending', async () => (await siteRow(site)).pendingSignals === 0);
    const { signals } = (await harness.request('GET', '/api/signals')).body;
    expect(signals).toHaveLength(2);
    expect(signals.every((signal: { handledAt?: string }) => signal.handledAt)).toBe(true);
  });
});

describe('withdrawals', () => {
  const shown = async () => (await harness.request('GET', '/api/withdrawals')).body.withdrawals;

  it('reach every waiting site, and are confirmed by its next request', async () => {
    const [a, b, c] = [await harness.addSite('a'), await harness.addSite('b'), await harness.addSite('c')];
    const record = a.put(videoRecord({ name: '课程一' }));
    await a.collect();
    expect(await b.withdrawalsAfter(0)).toEqual({ videos: [], position: 0 });
    const waiting = b.withdrawalsAfter(0, 20);
    a.put(tombstone(record.video, 2));
    const startedMs = performance.now();
    await a.signal();
    const page = await waiting;
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(page.videos).toEqual([record.video]);
    expect(page.position).toBeGreaterThan(0);
    expect(await shown()).toMatchObject([
      {
        video: record.video,
        name: '课程一',
        site: { id: a.id, name: 'a' },
        confirmed: 0,
        sites: 3,
        waitingFor: [{ name: 'a' }, { id: b.id, lastSeenAt: expect.any(String) }, { name: 'c' }],
      },
    ]);
    await b.withdrawalsAfter(page.position);
    await a.withdrawalsAfter(page.position);
    const [withdrawal] = await shown();
    expect(withdrawal).toMatchObject({ confirmed: 2, sites: 3, waitingFor: [{ id: c.id, name: 'c' }] });
    expect(withdrawal.waitingFor[0]).not.toHaveProperty('lastSeenAt');
    await harness.request('DELETE', `/api/sites/${c.id}`);
    expect(await shown()).toMatchObject([{ confirmed: 2, sites: 2, waitingFor: [] }]);
  });

  it('are sent again to a site that is ahead of a restored central', async () => {
    const site = await harness.addSite('a');
    const record = site.put(tombstone(newVideoId(), 1));
    await site.collect();
    const { position } = await site.withdrawalsAfter(0);
    expect(await site.withdrawalsAfter(position + 1_000)).toEqual({ videos: [record.video], position });
    expect(await site.withdrawalsAfter(position)).toEqual({ videos: [], position });
  });

  it('are readable only for sites and the operator', async () => {
    const tracker = await harness.addTracker('tracker');
    const asTracker = { signer: tracker.signer, timeoutMs: 5_000, maxBytes: 10_000, response: z.unknown() };
    const feed = `${harness.central.url}/api/withdrawals/feed?after=0`;
    await expect(call(feed, asTracker)).rejects.toMatchObject({ status: 403 });
    expect((await harness.request('GET', '/api/withdrawals', { token: null })).status).toBe(401);
  });
});

describe('handshakes', () => {
  const sites = async () => {
    const site = await harness.addSite('a');
    const record = site.put(videoRecord({ version: 4 }));
    await site.collect();
    return { site, record };
  };
  const held = (site: TestSite, epoch = site.epoch) =>
    call(`${harness.central.url}/api/handshakes/held`, {
      method: 'POST',
      body: { epoch },
      signer: site.signer,
      timeoutMs: 5_000,
      maxBytes: 100_000,
      response: heldPageSchema,
    });

  it('raise the epoch above that of both sides, and contain what central has', async () => {
    const { site, record } = await sites();
    const first = site.epoch;
    const response = await site.handshake();
    expect(response).toMatchObject({
      highestVersion: 4,
      same: true,
      epoch: { number: (first?.number ?? 0) + 1 },
    });
    // As if central had been restored.
    site.epoch = { number: 70, start: 'another-life-of-it' };
    expect((await site.handshake()).epoch.number).toBe(71);
    site.put({ ...record, version: 5 });
    expect((await site.handshake()).same).toBe(false);
    expect(await held(site)).toEqual({
      held: [
        {
          video: record.video,
          version: 4,
          hash: hashOf(record),
          withdrawn: false,
          writtenAt: '2024-05-01T08:00:00.000Z',
        },
      ],
      more: false,
    });
    await expect(held(site, first)).rejects.toMatchObject({ status: 409, code: 'epoch-mismatch' });
  });

  it('report how the site converts videos, which only the operator can read', async () => {
    const site = await harness.addSite('a');
    const shownConversion = async (token?: null) => {
      const { body } = await harness.request('GET', '/api/sites', token === null ? { token } : {});
      return (body as { sites: Site[] }).sites.find(({ id }) => id === site.id)?.conversion;
    };
    await site.handshake({ conversion: { isolation: 'none', hasLimits: true } });
    expect(await shownConversion()).toEqual({ isolation: 'none', hasLimits: true });
    expect(await shownConversion(null)).toBeUndefined();
    await site.handshake({ conversion: { isolation: 'bubblewrap', hasLimits: true } });
    expect(await shownConversion()).toEqual({ isolation: 'bubblewrap', hasLimits: true });
    // Its ffmpeg was removed.
    await site.handshake();
    expect(await shownConversion()).toBeUndefined();
  });

  it('make records of another epoch invalid', async () => {
    const { site } = await sites();
    const late = videoRecord();
    const old = site.epoch;
    site.page = () => ({
      site: site.id,
      epoch: old,
      records: [{ record: late, hash: hashOf(late) }],
      more: false,
    });
    await site.handshake();
    expect((await site.collect()).error).toMatch(/epoch/);
    expect((await videoOf(late.video)).status).toBe(404);
    expect(await siteRow(site)).toMatchObject({ lastErrorCode: 'epoch-mismatch' });
  });

  it('determine the epoch in the response to a signal', async () => {
    const { site, record } = await sites();
    expect((await site.signal()).epoch).toEqual(site.epoch);
    site.put({ ...record, version: 3 });
    await site.collect();
    expect((await site.signal()).epoch).toBeUndefined();
  });
});

describe('hostile and failing sites', () => {
  it('refuses a page that names another site', async () => {
    const site = await harness.addSite('a');
    const other = await harness.addSite('b');
    const record = videoRecord();
    site.page = () => ({
      site: other.id,
      epoch: site.epoch,
      records: [{ record, hash: hashOf(record) }],
      more: false,
    });
    expect((await site.collect()).error).toContain(other.id);
    expect((await videoOf(record.video)).status).toBe(404);
    expect(site.acknowledged).toEqual([]);
  });

  it('refuses a record that does not match its hash', async () => {
    const site = await harness.addSite('a');
    const good = videoRecord();
    const bad = videoRecord();
    site.page = () => ({
      site: site.id,
      epoch: site.epoch,
      records: [
        { record: good, hash: hashOf(good) },
        { record: { ...bad, sizeBytes: 7 }, hash: hashOf(bad) },
      ],
      more: false,
    });
    expect((await site.collect()).error).toMatch(/hash/);
    expect((await videoOf(good.video)).status).toBe(404);
    expect((await siteRow(site, {})).lastError).toMatch(/hash/);
  });

  it('does not let one site take the video of another', async () => {
    const site = await harness.addSite('a');
    const thief = await harness.addSite('thief');
    const record = videoRecord();
    site.put(record);
    await site.collect();
    thief.put({ ...record, version: 99, name: 'Stolen' });
    expect((await thief.collect()).error).toMatch(/has the id of a video of another site/);
    thief.put(tombstone(record.video, 100));
    await thief.collect();
    expect((await videoOf(record.video)).body).toMatchObject({ name: 'A lecture', site: { id: site.id } });
    expect(await registeredOf(thief, record.video)).toEqual([]);
  });

  it.each([
    ['an object that is no page', () => ({ hello: 1 })],
    ['an unknown member', () => ({ site: 'x', records: [], more: false, run: 'rm -rf' })],
    ['nonsense', () => 'no JSON'],
  ])('refuses %s', async (_name, page) => {
    const site = await harness.addSite('a');
    site.page = page;
    expect((await site.collect()).error).toBeTruthy();
    expect((await harness.request('GET', '/healthz')).status).toBe(200);
  });

  it('is not blocked by a site that accepts and never responds', async () => {
    const hanging = await harness.addSite('hanging');
    const honest = await harness.addSite('honest');
    hanging.hangs = true;
    await hanging.signal();
    await eventually('central reads the site', async () => hanging.reads > 0);
    honest.put(videoRecord());
    const startedMs = performance.now();
    await honest.signal();
    await eventually('the site gets one acknowledgement', async () => honest.acknowledged.length === 1);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(await siteRow(hanging)).toMatchObject({ pendingSignals: 1 });
  });

  it('retries a gateway that was down', async () => {
    const site = await harness.addSite('a');
    await site.close();
    const record = site.put(videoRecord());
    await site.signal();
    const row = await eventually('the newest signal has an error', async () => {
      const signal = await newestSignal();
      return signal.lastError && signal;
    });
    expect(row.handledAt).toBeUndefined();
    expect(row.lastError).toMatch(/could not be reached/);
    expect((await siteRow(site)).lagMs).toBeGreaterThan(0);
    await site.listen();
    await eventually(
      'the video is in the catalogue',
      async () => (await videoOf(record.video)).status === 200,
    );
    await eventually('the newest signal is handled', async () => (await newestSignal()).handledAt);
    expect((await newestSignal()).attempts).toBeGreaterThan(1);
  });

  it('keeps unhandled signals over a restart', async () => {
    const site = await harness.addSite('a');
    await site.close();
    await site.signal();
    await eventually('the newest signal was attempted', async () => (await newestSignal()).attempts > 0);
    const record = site.put(videoRecord());
    await harness.restart();
    expect(await siteRow(site)).toMatchObject({ pendingSignals: 1 });
    await site.listen();
    await eventually(
      'the video is in the catalogue',
      async () => (await videoOf(record.video)).status === 200,
    );
    await eventually('no signal is pending', async () => (await siteRow(site)).pendingSignals === 0);
  });

  it('sweeps sites whose signals were lost', async () => {
    await harness.stop();
    harness = await startCentralHarness({ sweepInterval: '200 ms' });
    const site = await harness.addSite('a');
    const record = site.put(videoRecord());
    await eventually(
      'the video is in the catalogue',
      async () => (await videoOf(record.video)).status === 200,
    );
    expect((await harness.request('GET', '/api/signals')).body.signals).toEqual([]);
  });
});

describe('who may signal', () => {
  const post = (headers: Record<string, string> = {}) =>
    harness.request('POST', '/api/signals', { token: null, headers });

  it('refuses unsigned, replayed, altered and foreign signals', async () => {
    const site = await harness.addSite('a');
    const url = new URL(`${harness.central.url}/api/signals`);
    const signed = (keyId: string, key = site.key) =>
      signRequest(key, keyId, { method: 'POST', ...splitUrl(url), body: '' }, Date.now());
    expect((await post()).body.code).toBe('signature-missing');
    const headers = signed(site.id);
    expect((await post(headers)).status).toBe(202);
    const replayed = await post(headers);
    expect([replayed.status, replayed.body.code]).toEqual([401, 'signature-replayed']);
    const unknownKey = await readOrMakeKey(join(harness.directory, 'unknown.key'));
    expect((await post(signed(site.id, unknownKey))).body.code).toBe('signature-invalid');
    expect((await post(signed('nobody'))).body.code).toBe('key-unknown');
    // One was accepted. The replay is logged because the site did sign it; unsigned requests leave no trace.
    const { signals } = (await harness.request('GET', '/api/signals')).body;
    expect(signals.map(({ errorCode }: { errorCode?: string }) => errorCode)).toEqual(
      expect.arrayContaining([undefined, 'signature-replayed']),
    );
    expect(signals).toHaveLength(2);
  });

  it('distinguishes sites and trackers', async () => {
    const site = await harness.addSite('a');
    const tracker = await harness.addTracker('tracker');
    await expect(site.signal(tracker.signer)).rejects.toMatchObject({ status: 403, code: 'role-mismatch' });
    const asSite = {
      signer: site.signer,
      timeoutMs: 5_000,
      maxBytes: 10_000,
      response: registrationResponseSchema,
    };
    await expect(call(`${harness.central.url}/api/changes?after=0`, asSite)).rejects.toMatchObject({
      status: 403,
    });
    await expect(call(`${harness.central.url}/api/member`, asSite)).rejects.toMatchObject({
      code: 'peer-malformed',
    });
  });

  it('forgets a revoked site at once, and its videos with it', async () => {
    const site = await harness.addSite('a');
    const tracker = await harness.addTracker('tracker');
    const record = site.put(videoRecord());
    await site.collect();
    expect((await tracker.changesOf(0)).find(change => change.kind === 'site')).toMatchObject({
      active: true,
    });
    expect((await harness.request('DELETE', `/api/sites/${site.id}`)).body.state).toBe('revoked');
    await expect(site.signal()).rejects.toMatchObject({ status: 401, code: 'key-unknown' });
    expect((await tracker.changesOf(0)).at(-1)).toMatchObject({ kind: 'site', active: false });
    expect(await listed()).toEqual([]);
    expect((await videoOf(record.video)).status).toBe(410);
    expect((await site.collect()).error).toMatch(/revoked/);

    // A new token restores it; the same videos under a new site belong to that site.
    const fresh = await harness.request('POST', `/api/sites/${site.id}/join-token`);
    expect(fresh.status).toBe(201);
    // The revoked key may have leaked. The token is not used up by the refusal.
    await expect(site.join(site.id, fresh.body.joinToken)).rejects.toMatchObject({
      status: 409,
      code: 'key-retired',
    });
    site.key = await readOrMakeKey(join(harness.directory, 'renewed.key'));
    await site.join(site.id, fresh.body.joinToken);
    await site.signal();
    expect((await videoOf(record.video)).status).toBe(200);
  });

  it('lets a site that was removed publish the same videos under a new name', async () => {
    const old = await harness.addSite('old');
    const record = old.put(videoRecord());
    await old.collect();
    await harness.request('DELETE', `/api/sites/${old.id}`);
    const renewed = await harness.addSite('renewed');
    renewed.put(record);
    expect(await renewed.collect()).toEqual({ records: 1 });
    expect((await videoOf(record.video)).body.site.name).toBe('renewed');
  });
});

describe('enrolment', () => {
  const invited = async () =>
    (await harness.request('POST', '/api/sites', { body: { name: 'a', baseUrl: 'http://127.0.0.1:9' } }))
      .body;

  it('requires the operator’s token', async () => {
    const body = { name: 'a', baseUrl: 'http://127.0.0.1:9' };
    for (const [method, path] of [
      ['POST', '/api/sites'],
      ['POST', '/api/trackers'],
      ['GET', '/api/trackers'],
      ['GET', '/api/signals'],
      ['DELETE', '/api/sites/00000000-0000-7000-8000-000000000000'],
    ] as const) {
      const response = await harness.request(method, path, {
        token: 'wrong',
        ...(method === 'POST' ? { body } : {}),
      });
      expect([path, response.status]).toEqual([path, 401]);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
    }
    expect(
      (await harness.request('POST', '/api/sites/00000000-0000-7000-8000-000000000000/collect')).status,
    ).toBe(404);
  });

  it('accepts a token once, for one key', async () => {
    const { site, joinToken } = await invited();
    expect(site.state).toBe('invited');
    const key = await readOrMakeKey(join(harness.directory, 'one.key'));
    const other = await readOrMakeKey(join(harness.directory, 'two.key'));
    const response = await joinCentral(harness.central.url, key, joinToken);
    expect(response).toMatchObject({
      role: 'site',
      id: site.id,
      centralPublicKey: harness.central.publicKey,
    });
    await expect(joinCentral(harness.central.url, other, joinToken)).rejects.toMatchObject({
      status: 409,
      code: 'join-token-used',
    });
    // The first response may have been lost.
    expect((await joinCentral(harness.central.url, key, joinToken)).id).toBe(site.id);
    await expect(joinCentral(harness.central.url, key, 'x'.repeat(43))).rejects.toMatchObject({
      status: 401,
      code: 'join-token-unknown',
    });
  });

  it('refuses a key without proof of its private half', async () => {
    const { joinToken } = await invited();
    const key = await readOrMakeKey(join(harness.directory, 'one.key'));
    const other = await readOrMakeKey(join(harness.directory, 'two.key'));
    const foreign = { ...key, publicKey: other.publicKey };
    await expect(joinCentral(harness.central.url, foreign, joinToken)).rejects.toMatchObject({
      code: 'signature-invalid',
    });
    await joinCentral(harness.central.url, key, joinToken);
  });

  it('refuses a token after half an hour, and a token that a newer one replaced', async () => {
    const { site, joinToken } = await invited();
    const key = await readOrMakeKey(join(harness.directory, 'one.key'));
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31 * 60_000 });
    await expect(joinCentral(harness.central.url, key, joinToken)).rejects.toMatchObject({
      status: 401,
      code: 'join-token-expired',
    });
    vi.useRealTimers();
    const fresh = (await harness.request('POST', `/api/sites/${site.id}/join-token`)).body.joinToken;
    await expect(joinCentral(harness.central.url, key, joinToken)).rejects.toMatchObject({ status: 401 });
    await joinCentral(harness.central.url, key, fresh);
  });

  it('shows no secrets, and lets the operator edit a site', async () => {
    const { site } = await invited();
    const edited = await harness.request('PATCH', `/api/sites/${site.id}`, {
      body: { name: '杭州', coordinates: { latitude: 30.3, longitude: 120.2 }, zone: ['10.1.0.0/16'] },
    });
    expect(edited.body).toMatchObject({
      name: '杭州',
      zone: ['10.1.0.0/16'],
      coordinates: { latitude: 30.3 },
    });
    const renamed = await harness.request('PATCH', `/api/sites/${site.id}`, {
      body: { name: 'b', coordinates: null },
    });
    const policy = { drained: true, weight: 2, failoverOrder: 3, egressLimitBps: 1e9 };
    const set = await harness.request('PATCH', `/api/sites/${site.id}`, { body: { policy } });
    expect(set.body.policy).toEqual(policy);
    const again = await harness.request('PATCH', `/api/sites/${site.id}`, {
      body: { policy: { drained: false, egressLimitBps: null } },
    });
    expect(again.body.policy).toEqual({ drained: false, weight: 2, failoverOrder: 3 });
    const bad = await harness.request('PATCH', `/api/sites/${site.id}`, { body: { policy: { weight: -1 } } });
    expect(bad.status).toBe(400);
    expect(renamed.body.zone).toEqual(['10.1.0.0/16']);
    expect(renamed.body.coordinates).toBeUndefined();
    expect((await harness.request('PATCH', `/api/sites/${site.id}`, { body: { zone: ['x'] } })).status).toBe(
      400,
    );
    const zone = Array.from({ length: 10_000 }, (_, n) => `10.${n >> 8}.${n & 255}.0/24`);
    expect((await harness.request('PATCH', `/api/sites/${site.id}`, { body: { zone } })).status).toBe(200);
    const text = JSON.stringify((await harness.request('GET', '/api/sites', { token: null })).body);
    expect(text).not.toMatch(/token|hash|key/i);
  });

  it('knows from the trackers which sites are up', async () => {
    const site = await harness.addSite('a');
    const tracker = await harness.addTracker('tracker');
    expect((await siteRow(site)).state).toBe('unknown');
    await tracker.reportSiteStates([{ site: site.id, up: true }]);
    expect((await siteRow(site)).state).toBe('up');
    await tracker.reportSiteStates([{ site: site.id, up: false }]);
    expect((await siteRow(site)).state).toBe('down');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 });
    expect((await siteRow(site)).state).toBe('unknown');
    vi.useRealTimers();
    const info = (await harness.request('GET', '/api/info', { token: null })).body;
    expect(info).toEqual({ trackers: [expect.stringContaining('http://127.0.0.1')], demoViewers: [] });
  });
});

describe('the catalogue', () => {
  it('searches names and descriptions in every script', async () => {
    const site = await harness.addSite('a');
    site.put(videoRecord({ name: '中国电信杭州讲座', description: '分布式流媒体' }));
    site.put(videoRecord({ name: 'Opening Lecture', description: 'Physics\nfor ALL' }));
    site.put(videoRecord({ name: '100% pure_gold', description: 'ÉCOLE ＦＵＬＬ width' }));
    site.put(videoRecord({ name: '100 pureXgold' }));
    await site.collect();
    const search = (q: string) => listed(`?q=${encodeURIComponent(q)}`);
    for (const q of ['杭', '杭州', '电信杭', '流媒', '杭州　流媒体']) {
      expect([q, await search(q)]).toEqual([q, ['中国电信杭州讲座']]);
    }
    for (const q of ['LECTURE', 'opening all', 'opening lec', 'ｌｅｃｔｕｒｅ']) {
      expect([q, await search(q)]).toEqual([q, ['Opening Lecture']]);
    }
    for (const q of ['pure_gold', 'gold 100%', 'ecole', 'école', 'full']) {
      expect([q, await search(q)]).toEqual([q, ['100% pure_gold']]);
    }
    expect(await search('100')).toHaveLength(2);
    expect(await search('杭州 physics')).toEqual([]);
    expect(await search('\\')).toEqual([]);
    expect(await search(' ')).toHaveLength(4);
    expect((await harness.request('GET', `/api/videos?q=${'x'.repeat(201)}`)).status).toBe(400);
  });

  it('pages newest first without gaps or repeats', async () => {
    const site = await harness.addSite('a');
    const other = await harness.addSite('b');
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 4; n++) site.put(videoRecord({ name: `${round}-${n}` }));
      await site.collect();
    }
    other.put(videoRecord({ name: 'other' }));
    await other.collect();
    const names: string[] = [];
    let cursor = '';
    for (;;) {
      const { body } = await harness.request('GET', `/api/videos?limit=5${cursor}`);
      names.push(...body.videos.map((video: { name: string }) => video.name));
      if (!body.next) break;
      // New videos come before the position of the reader.
      site.put(videoRecord({ name: 'late' }));
      await site.collect();
      cursor = `&cursor=${body.next}`;
    }
    expect(names).toEqual([
      'other',
      '2-3',
      '2-2',
      '2-1',
      '2-0',
      '1-3',
      '1-2',
      '1-1',
      '1-0',
      '0-3',
      '0-2',
      '0-1',
      '0-0',
    ]);
    expect(await listed(`?site=${other.id}`)).toEqual(['other']);
    expect((await harness.request('GET', '/api/videos?cursor=bm8')).body.code).toBe('cursor-invalid');
    expect((await harness.request('GET', '/api/videos?limit=101')).status).toBe(400);
    const signals = await harness.request('GET', '/api/signals?limit=1');
    expect(signals.body).toEqual({ signals: [] });
  });

  it('pages signals', async () => {
    const site = await harness.addSite('a');
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift((await site.signal()).signal);
    const first = (await harness.request('GET', '/api/signals?limit=3')).body;
    const second = (await harness.request('GET', `/api/signals?limit=3&cursor=${first.next}`)).body;
    const seen = [...first.signals, ...second.signals].map((signal: { id: string }) => signal.id);
    expect(seen).toEqual(ids);
    expect(second.next).toBeUndefined();
  });
});

describe('browsers', () => {
  it('refuses a change from a page of another origin', async () => {
    const body = { name: 'a', baseUrl: 'http://127.0.0.1:9' };
    const from = (origin: string) => harness.request('POST', '/api/sites', { body, headers: { origin } });
    expect((await from('https://evil.example')).body.code).toBe('cross-origin');
    expect((await from('null')).status).toBe(403);
    expect((await from(harness.central.url)).status).toBe(201);
    const read = await harness.request('GET', '/api/videos', { headers: { origin: 'https://evil.example' } });
    expect(read.status).toBe(200);
  });

  it('serves the pages, which may connect to trackers and sites', async () => {
    await harness.stop();
    const pages = join('/tmp', `tributary-pages-${process.pid}`);
    await mkdir(pages, { recursive: true });
    for (const page of ['index', 'watch', 'admin', 'lost'])
      await writeFile(join(pages, `${page}.html`), page);
    harness = await startCentralHarness({}, { uiDirectory: pages });
    const site = await harness.addSite('a');
    const page = await harness.request('GET', '/watch/something', { token: null });
    expect(page.body).toBe('watch');
    expect(page.headers.get('content-security-policy')).toContain(site.baseUrl);
    expect((await harness.request('GET', '/')).body).toBe('index');
    expect((await harness.request('GET', '/admin')).body).toBe('admin');
    const asPerson = { headers: { accept: 'text/html,*/*;q=0.8' } };
    expect(await harness.request('GET', '/nowhere', asPerson)).toMatchObject({ status: 404, body: 'lost' });
    expect(await harness.request('GET', '/nowhere')).toMatchObject({
      status: 404,
      body: { code: 'not-found' },
    });
  });

  it('exports metrics', async () => {
    const site = await harness.addSite('a');
    site.put(videoRecord());
    await site.signal();
    await eventually('no signal is pending', async () => (await siteRow(site)).pendingSignals === 0);
    const { body } = await harness.request('GET', '/metrics');
    expect(body).toMatch(/^tributary_central_signals_total 1$/m);
    expect(body).toMatch(/^tributary_central_records_total 1$/m);
    expect(body).toMatch(/^tributary_central_videos 1$/m);
    expect(body).toMatch(/^tributary_central_pending_signals 0$/m);
    expect((await harness.request('GET', '/openapi.json')).body.paths).toHaveProperty('/api/changes');
  });
});

describe('stopping', () => {
  it('ends the wait of a tracker and a read that hangs', async () => {
    const site = await harness.addSite('a');
    const tracker = await harness.addTracker('tracker');
    const { position } = await tracker.changes(0);
    site.hangs = true;
    await site.signal();
    const waiting = tracker.changes(position, '&wait=25').then(
      page => page.changes.length,
      () => 0,
    );
    await eventually('central reads the site', async () => site.reads > 0);
    const startedMs = performance.now();
    await harness.restart();
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    expect(await waiting).toBe(0);
    expect(await siteRow(site)).toMatchObject({ pendingSignals: 1 });
  });
});
