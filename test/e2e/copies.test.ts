/** Copies by rule: made, published, played with everything else gone, and made the video itself when a site is lost. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Video } from '../../src/protocol/central.ts';
import type { PlacementRule, StoredRule } from '../../src/protocol/copies.ts';
import type { PlayAnswer } from '../../src/protocol/tracker.ts';
import {
  type Cluster,
  type Part,
  sitesOf,
  startCluster,
  TOKEN,
  untilRegistered,
  uploadTo,
} from './cluster.ts';
import { ffmpeg, readFilm, shortFilm } from './films.ts';
import { eventually, getJson, runProgram } from './parts.ts';

/** 12 s of 25 pictures. */
const FRAMES = 300;
/** Copies wait for whatever else is done to a video, on a busy machine too. */
const COPY_MS = 60_000;

const authorised = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
const siteId = async (cluster: Cluster, { name }: Part): Promise<string> =>
  (await sitesOf(cluster)).find(site => site.name === name)?.id ?? '';
const videoOf = ({ central }: Cluster, id: string): Promise<Video> =>
  getJson(`${central.url}/api/videos/${id}`);
const playOf = ({ tracker }: Cluster, id: string): Promise<PlayAnswer> =>
  getJson(`${tracker.url}/play/${id}`);

async function post<T>(url: string, body?: unknown): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: body === undefined ? { authorization: authorised.authorization } : authorised,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

const addRule = ({ central }: Cluster, rule: unknown): Promise<StoredRule> =>
  post(`${central.url}/api/placement-rules`, rule as PlacementRule);

/** Pictures that a player decodes from there to the end. */
function framesOf(url: string): number {
  const { stdout, stderr, status } = runProgram(ffmpeg().replace(/ffmpeg$/, 'ffprobe'), [
    '-v',
    'error',
    '-count_frames',
    '-select_streams',
    'v:0',
    '-show_entries',
    'stream=nb_read_frames',
    '-of',
    'csv=p=0',
    url,
  ]);
  if (status !== 0) throw new Error(stderr);
  return Number(/\d+/.exec(stdout)?.[0]);
}

/** Every rendition is there whole. */
const untilCopied = (cluster: Cluster, id: string, copies: number): Promise<Video> =>
  eventually(
    `${copies} copies of ${id}`,
    async () => {
      const video = await videoOf(cluster, id);
      return video.copies.filter(({ state }) => state === 'complete').length === copies ? video : undefined;
    },
    COPY_MS,
  );

describe('a copy that was made by hand', () => {
  let cluster: Cluster;
  let origin: Part;
  let holder: Part;
  let id: string;
  beforeAll(async () => {
    cluster = await startCluster();
    origin = await cluster.addSite('Origin');
    holder = await cluster.addSite('Holder');
    await Promise.all([origin.start(), holder.start()]);
    id = await uploadTo(origin, readFilm(shortFilm()), 'To be copied');
    await untilRegistered(origin, id);
  });
  afterAll(() => cluster?.stop());

  it('is made, published and offered by the tracker', async () => {
    const site = await siteId(cluster, holder);
    await addRule(cluster, { kind: 'by-hand', video: id, site });
    const video = await untilCopied(cluster, id, 1);
    expect(video.copies).toMatchObject([{ state: 'origin' }, { site, state: 'complete' }]);
    const { sources } = await eventually('both hold it', async () => {
      const answer = await playOf(cluster, id);
      const full = answer.sources.filter(({ reasons }) =>
        reasons.some(({ code }) => code === 'holds-original'),
      );
      return full.length === 2 ? answer : undefined;
    });
    expect(sources.map(source => source.site)).toContain(site);
    expect((await sitesOf(cluster)).find(each => each.id === site)).toMatchObject({ videos: 0, copies: 1 });
  });

  it('plays to the end with the origin killed', async () => {
    await origin.end();
    const { revision } = await videoOf(cluster, id);
    const { hls } = await eventually('the tracker has seen it', async () => {
      const answer = await playOf(cluster, id);
      return answer.sources[0]?.baseUrl === holder.url ? answer.sources[0] : undefined;
    });
    expect(framesOf(hls)).toBe(FRAMES);
    expect(framesOf(`${holder.url}/v/${id}/${revision}/manifest.mpd`)).toBe(FRAMES);
    expect(framesOf(`${cluster.tracker.url}/go/${id}`)).toBe(FRAMES);
  });
});
