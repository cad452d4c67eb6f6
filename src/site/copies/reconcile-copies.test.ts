/** Copies at a site: with a real origin to copy from, a real database and a real disk. Only the tracker is a stub. */
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeVideo } from '../../../test/media/video-cache.ts';
import { recipes } from '../../../test/media/videos.ts';
import { type KeyPair, readOrMakeKey, sha256Hex } from '../../kernel/identity/keys.ts';
import { silentLog } from '../../kernel/log.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import { canonicalJson } from '../../protocol/base/canonical.ts';
import { newRevisionId, newSiteId, newVideoId, type RevisionId } from '../../protocol/base/ids.ts';
import type { Assignment } from '../../protocol/copies.ts';
import { recordFile } from '../../protocol/media/media.ts';
import { type VideoRecord, videoRecordSchema } from '../../protocol/publication/record.ts';
import { listDamage } from '../database/file-checks.ts';
import { findCopy, restoreCopy, writeAssignments } from '../database/publication/copies.ts';
import { type SiteSchema, siteMigrations } from '../database/tables/schema.ts';
import { findVideo, type SiteDatabase } from '../database/tables/videos.ts';
import { createVerifiedFetcher, type VerifiedFetcher } from '../delivery/delivery.ts';
import { startFileChecks } from '../maintenance/file-checks.ts';
import { CopyStore } from '../media/copy-store/copy-store.ts';
import { createOriginServer, type OriginServer } from '../media/cut/cut.ts';
import { type PreparedSource, prepareSource } from '../media/index/source-index.ts';
import { makeRecord } from '../media/record/record.ts';
import { createStorage, type Storage } from '../media/storage/storage.ts';
import { type CopyReconciler, startCopyReconciler } from './reconcile-copies.ts';
import { noteDamagedCopy } from './reconcile-copy.ts';

const video = newVideoId();
const origin = newSiteId();
const self = newSiteId();
const revisions = [newRevisionId(), newRevisionId()] as const;
let common: string;
let originKey: KeyPair;
let prepared: PreparedSource;
let server: OriginServer;
let base: string;
/** The version and the revision in the origin's current record. */
let version = 1;
let present: RevisionId = revisions[0];

const recordOf = (of = present, number = version): VideoRecord =>
  videoRecordSchema.parse({
    kind: 'video',
    video,
    version: number,
    revision: of,
    name: `Lecture ${number}`,
    description: '',
    path: 'videos/a/source',
    sourceAddress: '192.0.2.1:80',
    sizeBytes: prepared.sizeBytes,
    bitrateBps: prepared.bitrateBps,
    durationMs: prepared.durationMs,
    sha256: 'a'.repeat(64),
    container: prepared.container,
    renditions: prepared.renditions,
    createdAt: '2026-01-01T00:00:00.000Z',
  });

beforeAll(async () => {
  common = await mkdtemp(join(tmpdir(), 'tributary-copies-'));
  const source = await makeVideo(recipes.mp4);
  const index = join(common, 'source.index');
  prepared = await prepareSource(source, index);
  originKey = await readOrMakeKey(join(common, 'origin.key'));
  server = createOriginServer({
    key: () => originKey,
    locate: async (id, revision) =>
      id === video && revisions.includes(revision)
        ? { directory: dirname(source), indexes: [index] }
        : undefined,
    record: async (_, revision, number) =>
      revision === present && number === version ? canonicalJson(recordOf()) : undefined,
  });
  server.server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  base = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await server.stop();
  await rm(common, { recursive: true, force: true });
});

/** A holder that forwards the origin's responses, altered or cut off if the test says so. */
interface Holder {
  readonly server: http.Server;
  readonly url: string;
  readonly asked: string[];
  alters: boolean;
  failsAfter: number;
}
async function startHolder(): Promise<Holder> {
  const holder = { asked: [] as string[], alters: false, failsAfter: Number.POSITIVE_INFINITY };
  const proxy = http.createServer(async (request, response) => {
    const { url = '', method = '' } = request;
    holder.asked.push(`${method} ${url.split('/').slice(4).join('/')}`);
    if (holder.asked.length > holder.failsAfter) {
      response.destroy();
      return;
    }
    const original = await fetch(base + url, { method });
    const body = Buffer.from(await original.arrayBuffer());
    if (holder.alters && body.length > 0) body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
    const headers = Object.fromEntries(
      ['repr-digest', 'signature', 'signature-input', 'etag', 'content-type'].flatMap(name => {
        const value = original.headers.get(name);
        return value === null ? [] : [[name, value]];
      }),
    );
    const length = method === 'HEAD' ? (original.headers.get('content-length') ?? '0') : String(body.length);
    response.writeHead(original.status, { ...headers, 'content-length': length }).end(body);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return Object.assign(holder, {
    server: proxy,
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
  });
}

let directory: string;
let db: SiteDatabase;
let storage: Storage;
let store: CopyStore;
let holders: Holder[];
let tracker: http.Server;
let fetcher: VerifiedFetcher;
let reconciler: CopyReconciler | undefined;
let freeBytes = 1e12;
let isOpen = true;
beforeEach(async () => {
  version = 1;
  present = revisions[0];
  freeBytes = 1e12;
  isOpen = true;
  directory = await mkdtemp(join(tmpdir(), 'tributary-copies-'));
  db = await openDatabase<SiteSchema>(join(directory, 'site.sqlite'), siteMigrations);
  storage = createStorage(directory);
  store = new CopyStore(storage);
  holders = [await startHolder(), await startHolder()];
  tracker = http.createServer((_, response) => {
    const sources = holders.map(({ url }) => ({ site: newSiteId(), baseUrl: url }));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ video, sources, origin: { publicKey: originKey.publicKey } }));
  });
  tracker.listen(0, '127.0.0.1');
  await once(tracker, 'listening');
  const trackerUrl = `http://127.0.0.1:${(tracker.address() as AddressInfo).port}`;
  fetcher = createVerifiedFetcher({ selfSiteId: () => self, trackerUrl: () => trackerUrl, log: silentLog });
});
afterEach(async () => {
  await reconciler?.stop();
  reconciler = undefined;
  fetcher.stop();
  await db.destroy();
  for (const each of [tracker, ...holders.map(holder => holder.server)]) {
    each.closeAllConnections();
    each.close();
  }
  await rm(directory, { recursive: true, force: true });
});

async function start(): Promise<CopyReconciler> {
  const own = await readOrMakeKey(join(directory, 'own.key'));
  reconciler = startCopyReconciler({
    db,
    store,
    fetcher,
    siteId: () => self,
    key: () => own,
    sourceAddress: '192.0.2.2:80',
    freeBytes: () => freeBytes,
    mayFetch: () => isOpen,
    describe: row => makeRecord(row, { storage, sourceAddress: '192.0.2.2:80' }),
    deleteFiles: id => storage.remove(id),
    closeFiles: async id => store.forget(id),
    onRecord: () => {},
    onStored: async () => {},
    log: silentLog,
  });
  return reconciler;
}
const assign = async (changes: Partial<Extract<Assignment, { wanted: true }>> = {}): Promise<void> => {
  const record = recordOf();
  const assignment: Assignment = {
    wanted: true,
    video,
    origin,
    revision: record.revision,
    version: record.version,
    hash: sha256Hex(canonicalJson(record)),
    sizeBytes: record.sizeBytes,
    reason: 'x',
    ...changes,
  };
  await writeAssignments(db, [assignment], 1);
  reconciler?.wake();
};
async function until<T>(what: () => Promise<T | undefined | false>): Promise<T> {
  for (const deadline = Date.now() + 15_000; ; await sleep(10)) {
    const found = await what();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not in time: ${JSON.stringify(await findCopy(db, video))}`);
  }
}
const untilWhole = (revision = present) =>
  until(async () => {
    const row = await findCopy(db, video);
    return row?.held_revision === revision && Number(row.held_version) === version && row;
  });
const readRecord = async (): Promise<Record<string, unknown> | undefined> => {
  const row = await db.selectFrom('records').select('body').where('video_id', '=', video).executeTakeFirst();
  return row && (JSON.parse(row.body) as Record<string, unknown>);
};
const folder = (): string => join(storage.directory(video), 'copy');

describe('an assigned copy', () => {
  it('is completed with every file of the revision, as the origin serves it, and with its record', async () => {
    await start();
    await assign();
    const row = await untilWhole();
    const files = await store.findFiles(video, present);
    const names = [...(files?.keys() ?? [])];
    expect(names).toEqual(
      expect.arrayContaining([
        recordFile(1),
        'timeline.json',
        'multivariant.m3u8',
        'manifest.mpd',
        'source-video/init.mp4',
        'source-video/0.m4s',
        'source-audio/media.m3u8',
      ]),
    );
    expect(row).toMatchObject({ state: 'complete', files: names.length, name: 'Lecture 1' });
    for (const name of names) {
      const here = await store.read(video, present, name);
      const there = await fetch(`${base}/v/${video}/${present}/${name}`);
      expect(here).toMatchObject({ body: Buffer.from(await there.arrayBuffer()) });
    }
    expect(await readRecord()).toMatchObject({
      kind: 'copy',
      origin,
      revision: present,
      files: names.length,
    });
  });

  it('rejects bytes that its origin has not signed, and uses the next holder', async () => {
    const [bad] = holders;
    if (bad) bad.alters = true;
    await start();
    await assign();
    await untilWhole();
    const segment = await store.read(video, present, 'source-video/0.m4s');
    const there = await fetch(`${base}/v/${video}/${present}/source-video/0.m4s`);
    expect(segment).toMatchObject({ body: Buffer.from(await there.arrayBuffer()) });
    // After one altered response, this holder is no longer asked first.
    expect(bad?.asked.length).toBeLessThan(8);
  });

  it('is incomplete until holders serve all of it, and fetches no stored file twice', async () => {
    holders = holders.slice(0, 1);
    const [holder] = holders;
    if (holder) holder.failsAfter = 9;
    await start();
    await assign();
    await until(async () => (await findCopy(db, video))?.error);
    expect(await store.findFiles(video, present)).toBeUndefined();
    expect(await readRecord()).toBeUndefined();
    if (holder) holder.failsAfter = Number.POSITIVE_INFINITY;
    const before = new Set(holder?.asked.slice(0, 5));
    await assign();
    await untilWhole();
    // The first five were complete before the connection broke.
    expect(holder?.asked.slice(10).filter(name => before.has(name))).toEqual([]);
  });

  it('of a newer revision of the same video transfers few bytes', async () => {
    await start();
    await assign();
    await untilWhole();
    const first = fetcher.bytes();
    present = revisions[1];
    version = 2;
    await assign();
    await untilWhole();
    expect(fetcher.bytes() - first).toBeLessThan(0.1 * first);
    expect((await store.read(video, revisions[0], 'source-video/0.m4s')) === undefined).toBe(false);
  });

  it('waits for the hours in which this site fetches, and for disk space', async () => {
    isOpen = false;
    await start();
    await assign();
    await sleep(300);
    expect(holders.flatMap(({ asked }) => asked)).toEqual([]);
    isOpen = true;
    freeBytes = 0;
    reconciler?.wake();
    await until(async () => (await findCopy(db, video))?.error?.includes('no space left'));
    freeBytes = 1e12;
    await assign();
    await untilWhole();
  });

  it('with another record than central has is rejected', async () => {
    await start();
    await assign({ hash: 'f'.repeat(64) });
    await until(async () => (await findCopy(db, video))?.error?.includes('that central has'));
    expect(await readRecord()).toBeUndefined();
  });
});

describe('a complete copy', () => {
  beforeEach(async () => {
    await start();
    await assign();
    await untilWhole();
  });

  it('is deleted when it is no longer assigned, and publishes that', async () => {
    await writeAssignments(db, [{ wanted: false, video, reason: 'No rule wants it.' }], 2);
    reconciler?.wake();
    await until(async () => !existsSync(storage.directory(video)));
    await until(async () => (await findCopy(db, video)) === undefined);
    expect(await readRecord()).toMatchObject({ kind: 'gone', because: 'No rule wants it.' });
  });

  it('is deleted at once when the video is withdrawn', async () => {
    await reconciler?.dropWithdrawn(video);
    expect(existsSync(storage.directory(video))).toBe(false);
    expect(await readRecord()).toMatchObject({ kind: 'gone' });
    expect(await findCopy(db, video)).toBeUndefined();
  });

  it('is found again after a restore of an older database; if its files are missing, that is published', async () => {
    const record = {
      kind: 'copy',
      video,
      version: 7,
      revision: present,
      origin,
      path: 'x',
      sourceAddress: '192.0.2.2:80',
      sizeBytes: 1,
      files: 1,
      copiedAt: '2026-01-01T00:00:00.000Z',
    } as const;
    const forget = async (): Promise<void> => {
      await reconciler?.stop();
      await db.deleteFrom('copies').execute();
      await db.transaction().execute(transaction => restoreCopy(transaction, record));
    };
    await forget();
    await start();
    await until(async () => (await findCopy(db, video))?.state === 'complete');
    expect(await findCopy(db, video)).toMatchObject({ held_revision: present, name: 'Lecture 1' });
    await forget();
    await rm(folder(), { recursive: true });
    store.forget(video);
    holders = [];
    await start();
    await until(async () => (await readRecord())?.kind === 'gone');
  });

  it('becomes the original if its site is lost, and is served with this site’s signature', async () => {
    await assign({ origin: self });
    const row = await until(async () => {
      const found = await findVideo(db, video);
      return found?.state === 'ready' && found;
    });
    expect(row).toMatchObject({ name: 'Lecture 1' });
    expect(await findCopy(db, video)).toBeUndefined();
    expect(await readRecord()).toMatchObject({
      kind: 'video',
      revision: row.revision,
      name: 'Lecture 1',
      sourceAddress: '192.0.2.2:80',
      path: `videos/${video}/copy/pack`,
      renditions: recordOf().renditions,
    });
    const own = await readOrMakeKey(join(directory, 'own.key'));
    expect(await store.read(video, row.revision as RevisionId, 'source-video/0.m4s')).toMatchObject({
      proof: { key: own.publicKey },
    });
    // The same assignment again changes nothing.
    await assign({ origin: self });
    await until(async () => (await findCopy(db, video)) === undefined);
    expect((await findVideo(db, video))?.revision).toBe(row.revision);
    expect(existsSync(folder())).toBe(true);
  });

  it('that the disk has altered is never served', async () => {
    writeFileSync(join(folder(), 'pack'), 'other bytes');
    await expect(store.read(video, present, 'source-video/0.m4s')).rejects.toThrow('damaged');
  });

  it('that the disk has altered is found, does not count, and is repaired with the damaged files only', async () => {
    const pack = join(folder(), 'pack');
    const entry = (await store.findFiles(video, present))?.get('source-video/1.m4s');
    if (!entry) throw new Error('there is no such file');
    const file = await open(pack, 'r+');
    await file.write('rot', entry.offset + 20);
    await file.close();
    const before = holders.flatMap(({ asked }) => asked).length;
    const found: (readonly string[])[] = [];
    let mayRepair = false;
    const checks = startFileChecks({
      ...{ db, storage, store, log: silentLog, rate: 1e9, intervalMs: 1e9 },
      async onDamagedCopy(id, files) {
        found.push(files);
        await until(async () => mayRepair);
        await noteDamagedCopy({ db, onRecord: () => {} }, id, files);
        holders[0]!.failsAfter = 0;
        holders[1]!.failsAfter = 0;
        reconciler?.wake();
      },
      onDamage: () => {},
    });
    await until(async () => found.length === 1);
    expect(found).toEqual([['source-video/1.m4s']]);
    mayRepair = true;
    await until(async () => (await readRecord())?.kind === 'gone');
    // Without another holder it cannot be repaired, and its intact files are still served.
    await until(async () => (await findCopy(db, video))?.error);
    expect(await listDamage(db, 10)).toMatchObject([{ video, holding: 'copy', repair: 'pending' }]);
    expect(await store.read(video, present, 'source-video/0.m4s')).toMatchObject({
      etag: expect.any(String),
    });
    for (const holder of holders) holder.failsAfter = Number.POSITIVE_INFINITY;
    await assign();
    await untilWhole();
    await checks.stop();
    expect(await readRecord()).toMatchObject({ kind: 'copy' });
    expect(await listDamage(db, 10)).toEqual([]);
    const there = await fetch(`${base}/v/${video}/${present}/source-video/1.m4s`);
    expect(await store.read(video, present, 'source-video/1.m4s')).toMatchObject({
      body: Buffer.from(await there.arrayBuffer()),
    });
    const asked = holders.flatMap(holder => holder.asked).slice(before);
    expect(asked.some(name => name.endsWith('source-video/0.m4s'))).toBe(false);
  });
});
