/**
 * The kill matrix of copies: a site is killed at every step of making, dropping and taking over a copy. In the end the copy is
 * complete and plays by itself, or is deleted from the disk and from every response.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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
  untilLastRevision,
  uploadTo,
  videoOf,
} from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';

let cluster: Cluster;
/** Two origins, because each can be lost only once. */
let origins: Part[];
let successor: Part;
/** One video at each origin. */
const ids: string[] = [];

const addCopyRule = async (video: string): Promise<StoredRule> =>
  addRule(cluster, { kind: 'by-hand', video, site: await siteIdOf(cluster, successor) });

/** The successor serves one file of each kind with the origin's bytes. */
async function expectSameBytes(origin: Part, { id, revision }: Video): Promise<void> {
  for (const file of ['multivariant.m3u8', 'source-video/init.mp4', 'source-video/1.m4s', 'poster.jpg']) {
    const [there, here] = await Promise.all(
      [origin, successor].map(async ({ url }) => {
        const response = await fetch(`${url}/v/${id}/${revision}/${file}`);
        expect(response.status, `${file} at ${url}`).toBe(200);
        return Buffer.from(await response.arrayBuffer());
      }),
    );
    expect(here?.equals(there as Buffer), file).toBe(true);
  }
}

const copyDirectory = (id: string): string => join(successor.directory, 'videos', id, 'copy');

/** Arms a failpoint of the successor, acts, and starts it again when it was killed there. */
async function killAt(point: Failpoint, act: () => Promise<unknown>): Promise<void> {
  await successor.kill('SIGTERM');
  await successor.start(point, false);
  await act();
  await successor.untilKilled(COPY_MS);
  await successor.start();
}

beforeAll(async () => {
  cluster = await startCluster();
  const lines = ['workers = 0'];
  origins = [await cluster.addSite('East', { lines }), await cluster.addSite('West', { lines })];
  successor = await cluster.addSite('Successor', { lines });
  await Promise.all([...origins, successor].map(site => site.start()));
  for (const origin of origins) {
    const id = await uploadTo(origin, readVideo(shortVideo()), `Video at ${origin.name}`);
    ids.push(id);
    await untilLastRevision(cluster, id);
  }
}, 180_000);
afterAll(() => cluster?.stop());

// A tracker makes a site that goes down again and again wait before it is up, and a site that is down gets no new copies. Each test
// starts with a tracker that has not seen the outages of the previous ones.
beforeEach(async () => {
  await cluster.tracker.kill('SIGTERM');
  await cluster.tracker.start();
});

const MAKING = ['copy-begun', 'copy-files-added', 'copy-durable', 'copy-whole', 'copy-completed'] as const;
const DROPPING = ['copy-released', 'copy-removed'] as const;
const TAKING_OVER = ['copy-re-signed', 'copy-taken-over'] as const;

describe('a site with copies, killed', () => {
  it.each(MAKING.map((point, index) => ({ point, dropAt: DROPPING[index % DROPPING.length] as Failpoint })))(
    'at $point, completes the copy, and then drops it, killed at $dropAt',
    async ({ point, dropAt }) => {
      const [origin] = origins as [Part];
      const [id] = ids as [string];
      let rule: StoredRule | undefined;
      await killAt(point, async () => {
        rule = await addCopyRule(id);
      });
      const video = await untilCopied(cluster, id, 1);
      await expectSameBytes(origin, video);
      const files = readdirSync(copyDirectory(id));
      expect(files.filter(name => name.endsWith('.new'))).toEqual([]);
      expect(files.length).toBe(2);

      await killAt(dropAt, () =>
        requestAsOperator('DELETE', `${cluster.central.url}/api/placement-rules/${rule?.id}`),
      );
      await eventually('nothing is left of it', () => !existsSync(copyDirectory(id)), COPY_MS);
      await eventually(
        'central knows that the copy is gone',
        async () => (await videoOf(cluster, id)).copies.every(({ state }) => state === 'origin'),
        COPY_MS,
      );
      // The successor fetches what it lacks, as any site does.
      await expectSameBytes(origin, video);
    },
    180_000,
  );

  it.each(TAKING_OVER.map((point, index) => ({ point, index })))(
    'at $point, takes over the video of a lost site once',
    async ({ point, index }) => {
      const origin = origins[index] as Part;
      const id = ids[index] as string;
      await addCopyRule(id);
      const before = await untilCopied(cluster, id, 1);
      await origin.kill();
      const lost = await siteIdOf(cluster, origin);
      await killAt(point, () => requestAsOperator('POST', `${cluster.central.url}/api/sites/${lost}/lost`));
      const successorId = await siteIdOf(cluster, successor);
      const video = await eventually(
        'the successor has published it',
        async () => {
          const found = await videoOf(cluster, id);
          return found.site.id === successorId && found.state === 'registered' ? found : undefined;
        },
        COPY_MS,
      );
      expect(video.revision).not.toBe(before.revision);
      const segment = await fetch(`${successor.url}/v/${id}/${video.revision}/source-video/1.m4s`);
      expect(segment.status).toBe(200);
      const { videos } = await getJson<{ videos: Video[] }>(`${cluster.central.url}/api/videos`);
      expect(videos.filter(each => each.id === id)).toHaveLength(1);
    },
    180_000,
  );
});
