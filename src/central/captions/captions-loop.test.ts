/** Central fetches captions from the gateway of a real site, over HTTP, and keeps up with its changes. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freePort } from '../../../test/support/free-port.ts';
import { makeDatabase, type TestDatabase } from '../../../test/support/postgres/databases.ts';
import { tombstone, videoRecord } from '../../../test/support/records.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../../test/support/temporary-directory.ts';
import { createHttp, type HttpServer } from '../../kernel/http/server.ts';
import { type KeyPair, readOrMakeKey } from '../../kernel/identity/keys.ts';
import { NonceMemory } from '../../kernel/identity/signatures.ts';
import { silentLog } from '../../kernel/log.ts';
import { openDatabase } from '../../kernel/sql/sql.ts';
import { canonicalJson } from '../../protocol/base/canonical.ts';
import { newRevisionId, newSiteId, newVideoId, type RevisionId } from '../../protocol/base/ids.ts';
import type { PublicationRecord } from '../../protocol/publication/record.ts';
import { insertDraft } from '../../site/database/caption-drafts.ts';
import { insertRevision } from '../../site/database/revisions.ts';
import { type SiteSchema, siteMigrations } from '../../site/database/tables/schema.ts';
import { insertVideo, type SiteDatabase } from '../../site/database/tables/videos.ts';
import { serveGatewayCaptions } from '../../site/http/gateway-captions.ts';
import { addCaptions, parseCaptions, writeCaptions } from '../../site/media/extras/extras.ts';
import { createStorage, type Storage } from '../../site/media/storage/storage.ts';
import { writeRecords } from '../database/publication/write-records.ts';
import { type CentralDatabase, type CentralSchema, migrations } from '../database/schema.ts';
import { checkRecord } from '../publication/offered-record.ts';
import { readOverHttp } from '../site-reader/read-over-http.ts';
import { updateCaptions } from './captions-loop.ts';

const site = newSiteId();
const video = newVideoId();
let directory: string;
let databases: TestDatabase[];
let central: CentralDatabase;
let atSite: SiteDatabase;
let storage: Storage;
let key: KeyPair;
let app: HttpServer | undefined;
let port: number;
/** The calls of central, each with the languages that it asked for. */
let asked: string[];

beforeEach(async () => {
  directory = await makeTemporaryDirectory('captions-loop');
  databases = [await makeDatabase(), await makeDatabase()];
  const [first, second] = databases.map(({ place }) => place);
  central = await openDatabase<CentralSchema>(first ?? '', migrations);
  atSite = await openDatabase<SiteSchema>(second ?? '', siteMigrations);
  storage = createStorage(directory);
  mkdirSync(storage.directory(video), { recursive: true });
  key = await readOrMakeKey(join(directory, 'central.key'));
  port = await freePort();
  asked = [];
  await startSite();
  const member = { id: site, role: 'site' as const, name: 'A', base_url: `http://127.0.0.1:${port}` };
  await central
    .insertInto('members')
    .values({ ...member, zone: '[]', created_at: 1, position: 1, tracker_position: 0 })
    .execute();
  await insertVideo(atSite, {
    ...{ id: video, name: 'A', description: '', language: undefined, fileName: undefined, sizeBytes: 10 },
  });
  await atSite.updateTable('videos').set({ state: 'ready' }).where('id', '=', video).execute();
});
afterEach(async () => {
  await app?.close();
  await central.destroy();
  await atSite.destroy();
  for (const database of databases) await database.drop();
  await removeDirectory(directory);
});

async function startSite(): Promise<void> {
  ({ app } = await createHttp({ part: 'site', log: silentLog, ready: () => undefined }));
  app.addHook('onRequest', async ({ url }) => {
    const { searchParams } = new URL(url, 'http://site');
    asked.push(`${searchParams.get('language')}${searchParams.has('known') ? ' again' : ''}`);
  });
  const membership = {
    ...{ centralUrl: 'http://127.0.0.1:9', role: 'site' as const, id: site, name: 'A', trackers: [] },
    ...{ baseUrl: `http://127.0.0.1:${port}`, centralPublicKey: key.publicKey },
  };
  serveGatewayCaptions(app, {
    db: atSite,
    storage,
    identity: () => ({ key, membership }),
    names: { hosts: [] },
    nonces: new NonceMemory(),
  });
  await app.listen({ host: '127.0.0.1', port });
}

let version = 0;
const publish = (record: PublicationRecord): Promise<void> => {
  const hash = createHash('sha256').update(canonicalJson(record)).digest('hex');
  return central
    .transaction()
    .execute(tx => writeRecords(tx, [{ site, record: checkRecord({ record, hash }), atMs: Date.now() }]));
};

type Tracks = Readonly<Record<string, string>>;
/** The file of each text is written once, as the studio does. */
const written = new Map<string, Awaited<ReturnType<typeof writeCaptions>>>();
/** A new revision at the site, with a text for each language, and its record at central. */
async function publishRevision(tracks: Tracks): Promise<RevisionId> {
  const revision = newRevisionId();
  let extras: Parameters<typeof addCaptions>[0] = { captions: [] };
  for (const [language, text] of Object.entries(tracks)) {
    const cues = parseCaptions(Buffer.from(`WEBVTT\n\n00:01.000 --> 00:02.000\n<v Mary>${text}</v>\n`));
    const file =
      written.get(text) ??
      (await writeCaptions(storage.directory(video), { cues, language, from: 'upload' }));
    written.set(text, file);
    extras = addCaptions(extras, [file]);
  }
  await insertRevision(atSite, revision, video, ['source.index']);
  await atSite
    .updateTable('revisions')
    .set({ extras: JSON.stringify(extras) })
    .where('id', '=', revision)
    .execute();
  const { renditions } = videoRecord();
  const captions = extras.captions.map(({ rendition }) => rendition);
  await publish(
    videoRecord({ video, revision, version: ++version, renditions: [...renditions, ...captions] }),
  );
  return revision;
}

const update = (): Promise<void> =>
  updateCaptions(
    { db: central, openGateway: readOverHttp({ key, keyId: 'central' }), log: silentLog },
    new AbortController().signal,
  );
const stored = async (): Promise<readonly string[]> =>
  (await central.selectFrom('search_captions').select('language').where('video_id', '=', video).execute())
    .map(({ language }) => language)
    .sort();
const takeAsked = (): string[] => asked.splice(0).sort();
const tasks = () => central.selectFrom('caption_tasks').selectAll().execute();

it('fetches the captions of new revisions once, and those that changed again', async () => {
  await publishRevision({ en: 'one', fr: 'un' });
  const draft = { video, language: 'de', name: undefined, from: 'program' as const };
  await insertDraft(atSite, { ...draft, text: 'WEBVTT\n\n00:01.000 --> 00:02.000\neins\n' }, 9);
  await update();
  expect(takeAsked()).toEqual(['en', 'fr']);
  expect(await stored()).toEqual(['en', 'fr']);
  await update();
  expect(takeAsked()).toEqual([]);
  // The ladder is done, for example: the captions are the same.
  await publishRevision({ en: 'one', fr: 'un' });
  const before = await central.selectFrom('search_captions').select(['language', 'revision']).execute();
  await update();
  expect(takeAsked()).toEqual(['en again', 'fr again']);
  expect(await central.selectFrom('search_captions').select(['language', 'revision']).execute()).toEqual(
    before,
  );
  await publishRevision({ en: 'two' });
  await update();
  expect(takeAsked()).toEqual(['en again']);
  expect(await stored()).toEqual(['en']);
  expect(await tasks()).toEqual([]);
});

it('keeps its queue while a site is unreachable, and deletes the captions of a withdrawn video', async () => {
  await publishRevision({ en: 'three' });
  await app?.close();
  await update();
  expect(await stored()).toEqual([]);
  const [task] = await tasks();
  expect(task).toMatchObject({ video_id: video, site_id: site, attempts: 1 });
  expect(task?.not_before).toBeGreaterThan(Date.now());
  await startSite();
  await update();
  expect(takeAsked()).toEqual([]);
  // A minute later.
  await central.updateTable('caption_tasks').set({ not_before: 0 }).execute();
  await update();
  expect(await stored()).toEqual(['en']);
  takeAsked();
  await publish(tombstone(video, ++version));
  await update();
  expect(takeAsked()).toEqual([]);
  expect(await stored()).toEqual([]);
  expect(await central.selectFrom('caption_tags').selectAll().execute()).toEqual([]);
  expect(await tasks()).toEqual([]);
});
