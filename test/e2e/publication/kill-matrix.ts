/**
 * The kill matrix: at every failpoint, before and after each step from the first byte of an upload to its registration, on
 * both sides, the process is killed and started again. In the end there is exactly one record, it plays, nothing is pending,
 * and no file is left over. `kill-matrix-sqlite.test.ts` and `kill-matrix-postgres.test.ts` run it.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAILPOINTS, type Failpoint } from '../../../src/kernel/failpoint.ts';
import type { SiteInfo } from '../../../src/protocol/site.ts';
import {
  type Cluster,
  type ClusterSettings,
  listSitesOf,
  type Part,
  startCluster,
  TOKEN,
  untilRegistered,
  uploadTo,
  videoAt,
  videosAt,
  videosNamed,
} from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';
import { createUpload, findUploadOffset, patchUpload, videoIdOf } from '../../support/uploads.ts';

type Act = 'upload' | 'restart' | 'edit' | 'withdraw';
/** The acts that pass a failpoint; an upload for all others. */
const ACTS: Partial<Record<Failpoint, readonly Act[]>> = {
  'handshake-received': ['restart'],
  'handshake-committed': ['restart'],
  'page-committed': ['upload', 'edit', 'withdraw'],
  'acknowledgement-received': ['upload', 'edit', 'withdraw'],
  'withdrawal-written': ['withdraw'],
  'withdrawal-buffer-dropped': ['withdraw'],
  'withdrawal-files-removed': ['withdraw'],
};

/** Enough for a busy machine. */
const LIMIT_MS = 60_000;

let cluster: Cluster;
let site: Part;
let body: Buffer;
const authorised = { authorization: `Bearer ${TOKEN}` };

/** Uploads as a persistent client does: it creates the upload again if it got no response, and resumes an interrupted one. */
async function uploadPersistently(name: string): Promise<string> {
  let url: string | undefined;
  return eventually(
    `${name} is uploaded`,
    async () => {
      url ??= await createUpload(site.url, TOKEN, body.length, name);
      const offset = await findUploadOffset(url, TOKEN);
      if (offset === undefined) throw new Error('the site has lost an upload that it acknowledged');
      if (offset < body.length) await patchUpload(url, TOKEN, offset, body.subarray(offset));
      return (await findUploadOffset(url, TOKEN)) === body.length ? videoIdOf(url) : undefined;
    },
    30_000,
  );
}

/** Repeats a request until it succeeds. */
const requestPersistently = (id: string, method: 'PATCH' | 'DELETE', body?: unknown): Promise<true> =>
  eventually(`${method} succeeds`, async () => {
    const response = await fetch(`${site.url}/api/videos/${id}`, {
      method,
      headers: { ...authorised, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return response.ok || undefined;
  });

async function expectPlayable(id: string): Promise<void> {
  // The tracker rightly leaves out a site that was killed this often within a minute: it may have no source for a while.
  const play = await fetch(`${cluster.tracker.url}/play/${id}`);
  if (!play.ok) expect(await play.json()).toMatchObject({ code: 'no-source' });
  const { revision } = await videoAt(site, id);
  const base = `${site.url}/v/${id}/${revision}`;
  for (const path of [
    'multivariant.m3u8',
    'source-video/init.mp4',
    'source-video/1.m4s',
    'source-audio/2.m4s',
  ]) {
    const response = await fetch(`${base}/${path}`);
    expect(response.status, path).toBe(200);
    expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(100);
  }
}

/** All files in a folder of the site's data directory. */
const filesOf = (directory: string): string[] =>
  readdirSync(join(site.directory, directory), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(site.directory.length + 1));

async function expectNothingLeft(): Promise<void> {
  const videos = await videosAt(site);
  // An upload whose creation was never acknowledged can still be resumed: a row and its file, until the sweep removes both.
  const unfinished = videos.filter(({ state }) => state === 'uploading');
  expect(unfinished.filter(({ receivedBytes }) => receivedBytes > 0)).toEqual([]);
  expect(filesOf('uploads').sort()).toEqual(unfinished.map(({ id }) => `uploads/${id}`).sort());
  const others = ['ready', 'withdrawn', 'uploading'];
  expect(videos.filter(({ state }) => !others.includes(state))).toEqual([]);
  const ready: readonly string[] = videos.filter(({ state }) => state === 'ready').map(({ id }) => id);
  await eventually(
    'every video has its source and index, and every file has its video',
    () => {
      const files = filesOf('videos');
      const missing = ready
        .flatMap(id => [`videos/${id}/source`, `videos/${id}/source.index`])
        .filter(file => !files.includes(file));
      const orphans = files.filter(file => !ready.includes(file.split('/')[1] ?? ''));
      if (missing.length + orphans.length > 0) throw new Error([...missing, ...orphans].join(' '));
      return true;
    },
    LIMIT_MS,
  );
  await eventually(
    'nothing is pending',
    async () => {
      const [row] = await listSitesOf(cluster);
      const info = await getJson<SiteInfo>(`${site.url}/api/site`);
      return (row?.pendingSignals === 0 && info.unpublished === 0 && info.signal === 'sent') || undefined;
    },
    LIMIT_MS,
  );
}

/** Arms a failpoint, acts until the process is killed there, and starts it again. */
async function killAt(part: Part, point: Failpoint, act: () => Promise<unknown>): Promise<void> {
  await part.kill('SIGTERM');
  await part.start(point, false);
  const acting = act();
  await part.untilKilled();
  await part.start();
  await acting;
}

async function surviveUpload(part: Part, point: Failpoint): Promise<void> {
  const name = `Upload ${point}`;
  let id = '';
  await killAt(part, point, async () => {
    id = await uploadPersistently(name);
  });
  await untilRegistered(site, id, LIMIT_MS);
  expect(await videosNamed(cluster, name)).toMatchObject([
    { id, state: 'registered', sizeBytes: body.length },
  ]);
  await expectPlayable(id);
}

/** A starting site makes a handshake with central, which is killed during it. */
async function surviveRestart(part: Part, point: Failpoint): Promise<void> {
  const name = `Restart ${point}`;
  const id = await uploadTo(site, body, name);
  await untilRegistered(site, id, LIMIT_MS);
  await killAt(part, point, async () => {
    await site.kill();
    await site.start();
  });
  expect(await videosNamed(cluster, name)).toMatchObject([{ id, state: 'registered' }]);
  const next = await uploadTo(site, body, `After ${name}`);
  await untilRegistered(site, next, LIMIT_MS);
  await expectPlayable(next);
}

async function surviveEdit(part: Part, point: Failpoint): Promise<void> {
  const id = await uploadTo(site, body, `Before ${point}`);
  const { version = 0 } = await untilRegistered(site, id, LIMIT_MS);
  const name = `Edited ${point}`;
  await killAt(part, point, () => requestPersistently(id, 'PATCH', { name }));
  const after = await untilRegistered(site, id, LIMIT_MS);
  expect(after.version).toBeGreaterThan(version);
  expect(await videosNamed(cluster, name)).toMatchObject([
    { id, state: 'registered', version: after.version },
  ]);
  expect(await videosNamed(cluster, `Before ${point}`)).toEqual([]);
  await expectPlayable(id);
}

async function surviveWithdrawal(part: Part, point: Failpoint): Promise<void> {
  const name = `Withdrawn ${point}`;
  const id = await uploadTo(site, body, name);
  const { revision } = await untilRegistered(site, id, LIMIT_MS);
  await killAt(part, point, () => requestPersistently(id, 'DELETE'));
  await eventually(
    'it is withdrawn everywhere',
    async () => {
      const listed = await videosNamed(cluster, name);
      const { status } = await fetch(`${cluster.tracker.url}/play/${id}`);
      const atSite = await videoAt(site, id);
      return (listed.length === 0 && [404, 410].includes(status) && atSite.published) || undefined;
    },
    LIMIT_MS,
  );
  expect((await fetch(`${site.url}/v/${id}/${revision}/source-video/1.m4s`)).status).toBe(410);
}

const survive = {
  upload: surviveUpload,
  restart: surviveRestart,
  edit: surviveEdit,
  withdraw: surviveWithdrawal,
} as const;

export interface MatrixOptions {
  /** Called before and after all tests of the matrix. */
  readonly settings: () => Promise<ClusterSettings>;
  readonly stop: () => Promise<void>;
  /** Takes every nth failpoint only. */
  readonly every: number;
}

export function describeKillMatrix(engine: string, { settings, stop, every }: MatrixOptions): void {
  describe(`on ${engine}`, () => {
    beforeAll(async () => {
      body = readVideo(shortVideo());
      cluster = await startCluster(await settings());
      // Nothing is encoded: a killed process would leave the leases of its steps to expire.
      site = await cluster.addSite('Hangzhou', { lines: ['workers = 0'] });
      await site.start();
    });
    afterAll(async () => {
      await cluster?.stop();
      await stop();
    });

    for (const kind of ['site', 'central', 'tracker'] as const) {
      for (const [number, point] of (FAILPOINTS[kind] as readonly Failpoint[]).entries()) {
        if (number % every !== 0) continue;
        for (const act of ACTS[point] ?? ['upload']) {
          it(`kill -9 of the ${kind} at ${point}, ${act}`, async () => {
            await survive[act](kind === 'site' ? site : cluster[kind], point);
            await expectNothingLeft();
          });
        }
      }
    }

    it('leaves nothing half-written in the end', async () => {
      // Posters and storyboards are made in the background: those that a kill interrupted are made again.
      await eventually(
        'everything that was begun is finished',
        () => filesOf('videos').every(file => !/\.(new|part)(\/|$)/.test(file)) || undefined,
        120_000,
      );
      await expectNothingLeft();
    });
  });
}
