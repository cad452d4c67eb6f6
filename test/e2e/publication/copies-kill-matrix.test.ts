/**
 * Copies, killed at every step: while one is made, dropped, or becomes the video of a site that is lost. Whatever the moment, in
 * the end the copy is whole and plays alone, or is gone from the disk and from every answer.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Failpoint } from '../../../src/kernel/failpoint.ts';
import type { Video } from '../../../src/protocol/central.ts';
import type { StoredRule } from '../../../src/protocol/copies.ts';
import {
  addRule,
  type Cluster,
  COPY_MS,
  type Part,
  requestAsOperator,
  siteIdOf,
  startCluster,
  untilCopied,
  untilRegistered,
  uploadTo,
  videoOf,
} from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';

let cluster: Cluster;
/** Two origins: each can be lost once. */
let origins: Part[];
let heir: Part;
const films: string[] = [];

const addHeir = async (video: string): Promise<StoredRule> =>
  addRule(cluster, { kind: 'by-hand', video, site: await siteIdOf(cluster, heir) });

/** Of every kind of file one, from the heir, and its bytes those of the origin. */
async function expectSameBytes(origin: Part, { id, revision }: Video): Promise<void> {
  for (const file of ['multivariant.m3u8', 'source-video/init.mp4', 'source-video/1.m4s', 'poster.jpg']) {
    const [there, here] = await Promise.all(
      [origin, heir].map(async ({ url }) => {
        const response = await fetch(`${url}/v/${id}/${revision}/${file}`);
        expect(response.status, `${file} at ${url}`).toBe(200);
        return Buffer.from(await response.arrayBuffer());
      }),
    );
    expect(here?.equals(there as Buffer), file).toBe(true);
  }
}

const copyDirectory = (id: string): string => join(heir.directory, 'videos', id, 'copy');

async function dieAt(point: Failpoint, act: () => Promise<unknown>): Promise<void> {
  await heir.kill('SIGTERM');
  await heir.start(point, false);
  await act();
  await heir.untilKilled(COPY_MS);
  await heir.start();
}

beforeAll(async () => {
  cluster = await startCluster();
  const lines = ['workers = 0'];
  origins = [await cluster.addSite('East', { lines }), await cluster.addSite('West', { lines })];
  heir = await cluster.addSite('Heir', { lines });
  await Promise.all([...origins, heir].map(site => site.start()));
  for (const origin of origins) {
    const id = await uploadTo(origin, readVideo(shortVideo()), `Film at ${origin.name}`);
    films.push(id);
    await untilRegistered(origin, id);
    // The last revision: what is copied below does not change meanwhile.
    await eventually(
      'it has its pictures',
      async () => (await videoOf(cluster, id)).pictures?.storyboard,
      COPY_MS,
    );
  }
}, 180_000);
afterAll(() => cluster?.stop());

const MAKING = ['copy-begun', 'copy-files-added', 'copy-durable', 'copy-whole', 'copy-completed'] as const;
const DROPPING = ['copy-released', 'copy-removed'] as const;
const INHERITING = ['copy-re-signed', 'copy-taken-over'] as const;

describe('a site that holds copies, killed', () => {
  it.each(MAKING.map((point, turn) => ({ point, dropAt: DROPPING[turn % DROPPING.length] as Failpoint })))(
    'at $point, makes the copy whole, and then drops it, killed at $dropAt',
    async ({ point, dropAt }) => {
      const [origin] = origins as [Part];
      const [film] = films as [string];
      let rule: StoredRule | undefined;
      await dieAt(point, async () => {
        rule = await addHeir(film);
      });
      const video = await untilCopied(cluster, film, 1);
      await expectSameBytes(origin, video);
      const left = readdirSync(copyDirectory(film));
      expect(left.filter(name => name.endsWith('.new'))).toEqual([]);
      expect(left.length).toBe(2);

      await dieAt(dropAt, () =>
        requestAsOperator('DELETE', `${cluster.central.url}/api/placement-rules/${rule?.id}`),
      );
      await eventually('nothing is left of it', () => !existsSync(copyDirectory(film)) || undefined, COPY_MS);
      await eventually(
        'the centre knows',
        async () =>
          (await videoOf(cluster, film)).copies.every(({ state }) => state === 'origin') || undefined,
        COPY_MS,
      );
      // The heir fetches what it lacks, as any site does.
      await expectSameBytes(origin, video);
    },
    180_000,
  );

  it.each(INHERITING.map((point, turn) => ({ point, turn })))(
    'at $point, makes the video of a lost site its own, once',
    async ({ point, turn }) => {
      const origin = origins[turn] as Part;
      const film = films[turn] as string;
      await addHeir(film);
      const before = await untilCopied(cluster, film, 1);
      await origin.kill();
      const lost = await siteIdOf(cluster, origin);
      await dieAt(point, () => requestAsOperator('POST', `${cluster.central.url}/api/sites/${lost}/lost`));
      const heirId = await siteIdOf(cluster, heir);
      const video = await eventually(
        'the heir has published it',
        async () => {
          const found = await videoOf(cluster, film);
          return found.site.id === heirId && found.state === 'registered' ? found : undefined;
        },
        COPY_MS,
      );
      expect(video.revision).not.toBe(before.revision);
      const answer = await fetch(`${heir.url}/v/${film}/${video.revision}/source-video/1.m4s`);
      expect(answer.status).toBe(200);
      const { videos } = await getJson<{ videos: Video[] }>(`${cluster.central.url}/api/videos`);
      expect(videos.filter(({ id }) => id === film)).toHaveLength(1);
    },
    180_000,
  );
});
