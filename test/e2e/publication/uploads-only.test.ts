/** A site that only takes uploads: its videos play from other sites and are copied, and it is never offered to viewers. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PlayResponse } from '../../../src/protocol/tracker.ts';
import {
  addRule,
  type Cluster,
  type Part,
  siteIdOf,
  startCluster,
  untilCopied,
  untilLastRevision,
  uploadTo,
} from '../../support/cluster.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';

let cluster: Cluster;
let studio: Part;
let edge: Part;
let id: string;
let studioId: string;
let edgeId: string;
beforeAll(async () => {
  cluster = await startCluster();
  studio = await cluster.addSite('Studio', { lines: ['workers = 0', 'serveViewers = false'] });
  edge = await cluster.addSite('Edge', { lines: ['workers = 0'] });
  await Promise.all([studio.start(), edge.start()]);
  [studioId, edgeId] = [await siteIdOf(cluster, studio), await siteIdOf(cluster, edge)];
  id = await uploadTo(studio, readVideo(shortVideo()), 'A lecture');
  await untilLastRevision(cluster, id);
}, 120_000);
afterAll(() => cluster?.stop());

const play = (): Promise<PlayResponse> => getJson(`${cluster.tracker.url}/play/${id}`);
const segmentUrl = ({ revision }: PlayResponse): string => `/v/${id}/${revision}/source-video/0.m4s`;

it('is up, and its video plays from a site that fills from it', async () => {
  const response = await eventually('the video can be played', play);
  expect(response.sources.map(({ site }) => site)).toEqual([edgeId]);
  const [source] = response.sources;
  const segment = await fetch(source?.baseUrl + segmentUrl(response));
  expect(segment.status).toBe(200);
  const status: { sites: { site: string; up: boolean }[] } = await getJson(`${cluster.tracker.url}/status`);
  expect(status.sites.find(({ site }) => site === studioId)).toMatchObject({ up: true });
  const refused = await fetch(studio.url + segmentUrl(response), {
    headers: { 'x-forwarded-for': '8.8.8.8' },
  });
  // Loopback is not a trusted network of this site.
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ code: 'uploads-only' });
}, 30_000);

it('is copied from, and the copy plays without it', async () => {
  await addRule(cluster, { kind: 'at-least', copies: 2 });
  await untilCopied(cluster, id, 1);
  await studio.kill();
  const response = await eventually('the copy is offered', play);
  expect(response.sources.map(({ site }) => site)).toEqual([edgeId]);
  for (const name of ['multivariant.m3u8', 'source-video/0.m4s', 'source-audio/0.m4s']) {
    expect((await fetch(`${edge.url}/v/${id}/${response.revision}/${name}`)).status).toBe(200);
  }
}, 60_000);
