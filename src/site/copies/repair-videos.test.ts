/** The whole path of bit rot in an own video: found by a request, not signed, fetched from a copy, served again. */
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeVideo } from '../../../test/media/video-cache.ts';
import { recipes } from '../../../test/media/videos.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { readOrMakeKey, sha256Hex } from '../../kernel/identity/keys.ts';
import { silentLog } from '../../kernel/log.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import { canonicalJson } from '../../protocol/base/canonical.ts';
import { newRevisionId, newSiteId, newVideoId } from '../../protocol/base/ids.ts';
import { videoRecordSchema } from '../../protocol/publication/record.ts';
import { listDamage } from '../database/file-checks.ts';
import { insertRevision } from '../database/revisions.ts';
import { type SiteSchema, siteMigrations } from '../database/tables/schema.ts';
import { insertVideo, type SiteDatabase } from '../database/tables/videos.ts';
import { createVerifiedFetcher } from '../delivery/delivery.ts';
import { startFileChecks } from '../maintenance/file-checks.ts';
import { CopyStore } from '../media/copy-store/copy-store.ts';
import { createOriginServer, Presentation } from '../media/cut/cut.ts';
import { prepareSource } from '../media/index/source-index.ts';
import { DamagedFile, openChecked } from '../media/integrity/integrity.ts';
import { createStorage } from '../media/storage/storage.ts';
import { startRepairs } from './repair-videos.ts';

const video = newVideoId();
const revision = newRevisionId();
const self = newSiteId();
let directory: string;
const ends: (() => unknown)[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-repair-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  await rm(directory, { recursive: true, force: true });
});

async function listen(server: http.Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const serveJson = (body: () => unknown): Promise<string> =>
  listen(
    http.createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body()));
    }),
  );

async function openSite() {
  const storage = createStorage(directory);
  const store = new CopyStore(storage);
  const db: SiteDatabase = await openDatabase<SiteSchema>(join(directory, 'site.sqlite'), siteMigrations);
  ends.push(() => db.destroy());
  const key = await readOrMakeKey(join(directory, 'own.key'));
  await mkdir(dirname(storage.source(video)), { recursive: true });
  await copyFile(await makeVideo(recipes.mp4), storage.source(video));
  const prepared = await prepareSource(storage.source(video), storage.index(video));
  const record = videoRecordSchema.parse({
    ...{
      kind: 'video',
      video,
      version: 1,
      revision,
      name: 'A lecture',
      description: '',
      path: 'videos/a/source',
    },
    ...{ sourceAddress: '192.0.2.1:80', sizeBytes: prepared.sizeBytes, bitrateBps: prepared.bitrateBps },
    ...{ durationMs: prepared.durationMs, container: prepared.container, renditions: prepared.renditions },
    sha256: sha256Hex(await readFile(storage.source(video))),
    createdAt: '2026-01-01T00:00:00.000Z',
  });
  await insertVideo(db, {
    ...{ id: video, name: 'A lecture', description: '', language: undefined, fileName: undefined },
    sizeBytes: prepared.sizeBytes,
  });
  await db
    .updateTable('videos')
    .set({ state: 'ready', sha256: record.sha256, revision, prepared: JSON.stringify(prepared) })
    .execute();
  await insertRevision(db, revision, video, [storage.indexName]);
  await db
    .insertInto('records')
    .values({
      ...{ video_id: video, version: 1, hash: '', body: canonicalJson(record), withdrawn: 0, published: 1 },
      ...{ registered_version: 1, written_at: record.createdAt, change: 1 },
    })
    .execute();
  return { storage, store, db, key };
}

it('a rotten segment is refused, then fetched from a copy and served with the proof from before', async () => {
  const { storage, store, db, key } = await openSite();
  const files = {
    directory: storage.directory(video),
    indexes: [storage.indexName],
    open: (name: string) => openChecked(storage, video, name),
  };
  const origin = createOriginServer({
    key: () => key,
    locate: async () => files,
    copies: store,
    onDamaged: () => {
      isAsked = true;
    },
  });
  let isAsked = false;
  const base = await listen(origin.server);
  ends.push(origin.stop);
  const get = (name: string) => fetch(`${base}/v/${video}/${revision}/${name}`);

  // A holder has everything that the origin served while it was intact.
  const served = new Map<string, { body: Buffer; headers: Record<string, string> }>();
  const holder = await listen(
    http.createServer((request, response) => {
      const found = served.get(request.url ?? '');
      if (!found) return void response.writeHead(404).end();
      response.writeHead(200, { ...found.headers, 'content-length': found.body.length });
      response.end(request.method === 'HEAD' ? undefined : found.body);
    }),
  );
  const names = ['multivariant.m3u8', 'timeline.json'].concat(
    [0, 1, 2, 3, 4, 5, 6, 7].flatMap(n => [`source-video/${n}.m4s`, `source-audio/${n}.m4s`]),
  );
  for (const name of names) {
    const response = await get(name);
    if (!response.ok) continue;
    const headers = Object.fromEntries(
      ['repr-digest', 'signature', 'signature-input', 'etag'].map(h => [h, response.headers.get(h) ?? '']),
    );
    served.set(`/v/${video}/${revision}/${name}`, {
      body: Buffer.from(await response.arrayBuffer()),
      headers,
    });
  }

  let sources: unknown[] = [];
  const tracker = await serveJson(() => ({ video, sources, origin: { publicKey: key.publicKey } }));
  const fetcher = createVerifiedFetcher({
    ...{ selfSiteId: () => self, trackerUrl: () => tracker, log: silentLog },
  });
  ends.push(fetcher.stop);
  const checks = startFileChecks({
    ...{ db, storage, store, log: silentLog, rate: 1e9, intervalMs: 1e9 },
    onDamagedCopy: async () => {},
    onDamage: () => {},
  });
  ends.push(checks.stop);
  const untilChecked = () =>
    eventually('the video was checked', async () => {
      const row = await db.selectFrom('file_checks').select('checked_ms').executeTakeFirst();
      return Number(row?.checked_ms) > 0;
    });
  await untilChecked();
  const repairs = startRepairs({
    ...{ db, store, fetcher, log: silentLog, siteId: () => self, publicKey: () => key.publicKey },
    async cut(_, __, file) {
      try {
        const presentation = await Presentation.open(files);
        return await presentation
          .file(file)
          .then(found => found?.body)
          .finally(() => presentation.close());
      } catch (error) {
        if (error instanceof DamagedFile) return undefined;
        throw error;
      }
    },
    closeFiles: origin.forget,
    onDamage: () => {},
  });
  ends.push(repairs.stop);

  const source = await open(storage.source(video), 'r+');
  await source.write('rot', (await source.stat()).size - 60);
  await source.close();
  await origin.forget(video);
  const results = await Promise.all(names.map(async name => ({ name, status: (await get(name)).status })));
  const rotten = results.filter(({ status }) => status === 500).map(({ name }) => name);
  expect(rotten.length).toBeGreaterThan(0);
  expect(isAsked).toBe(true);
  expect(await (await get(rotten[0] ?? '')).json()).toMatchObject({ code: 'file-damaged' });

  // No site has a copy: it is reported as damage that could not be repaired.
  await db.updateTable('file_checks').set({ checked_ms: -1 }).execute();
  checks.wake();
  await eventually('the damage is noted', async () => (await listDamage(db, 9)).length > 0);
  for (let attempt = 1; attempt <= 3; attempt++) {
    await db.updateTable('file_checks').set({ not_before_ms: 0 }).execute();
    repairs.wake();
    await eventually('an attempt failed', async () => {
      const row = await db.selectFrom('file_checks').select('attempts').executeTakeFirst();
      return row?.attempts === attempt;
    });
  }
  expect(await listDamage(db, 9)).toMatchObject([{ video, holding: 'own', repair: 'impossible' }]);

  sources = [{ site: newSiteId(), baseUrl: holder }];
  await eventually('the video is repaired', async () => {
    await db.updateTable('file_checks').set({ not_before_ms: 0 }).execute();
    repairs.wake();
    return (await listDamage(db, 9)).length === 0;
  });
  for (const [path, { body, headers }] of served) {
    const response = await fetch(base + path);
    expect([path, response.status]).toEqual([path, 200]);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(body);
    expect(response.headers.get('repr-digest')).toBe(headers['repr-digest']);
    expect(response.headers.get('etag')).toBe(headers.etag);
  }
  // The next check finds the same damaged source, and does not report it again.
  await db.updateTable('file_checks').set({ checked_ms: -1 }).execute();
  checks.wake();
  await untilChecked();
  expect(await listDamage(db, 9)).toEqual([]);
}, 60_000);
