/** A catalogue as viewers see it: central with its pages, a tracker, and three sites whose videos are described in several languages. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { VideoId } from '../../src/protocol/base/ids.ts';
import { newTrackerResponseSchema } from '../../src/protocol/central.ts';
import type { VideoRecord } from '../../src/protocol/publication/record.ts';
import { trackerConfigSchema } from '../../src/tracker/config.ts';
import { startTracker } from '../../src/tracker/tracker.ts';
import { requireFfmpeg } from '../media/video-cache.ts';
import { type CentralHarness, startCentralHarness } from './central-harness.ts';
import { TOKEN } from './central-requests.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { runProgram } from './programs.ts';
import { tombstone, videoRecord } from './records.ts';
import type { TestSite } from './test-site.ts';

const UI = resolve('dist/ui');
const DAY_MS = 86_400_000;
const TILES = 9;
const TILE = { width: 320, height: 180 };
const SERIES = [
  {
    id: 'fluid-mechanics',
    title: 'Fluid mechanics',
    description: 'Twelve lectures, from pressure to turbulence.',
  },
  { id: 'hanyu', title: '汉语入门', description: '面向初学者的课程。' },
];

export interface CatalogueScene extends Pick<CentralHarness, 'url' | 'request'> {
  readonly sites: readonly TestSite[];
  readonly trackerUrl: string;
  /** The ids of the videos, in the order of their publication. */
  readonly videos: readonly VideoId[];
  /** @returns the id */
  publish(site: number, changes: Partial<VideoRecord>): Promise<VideoId>;
  withdraw(site: number, video: VideoId): Promise<void>;
  stop(): Promise<void>;
}

/** @param count how many videos are published, at least 30 */
export async function startCatalogueScene(count: number): Promise<CatalogueScene> {
  const harness = await startCentralHarness({}, { uiDirectory: UI });
  const stops: (() => Promise<void>)[] = [harness.stop];
  const stop = async (): Promise<void> => {
    for (const each of stops.toReversed()) await each();
  };
  try {
    const sites: TestSite[] = [];
    for (const name of ['Hangzhou', 'Guangzhou', 'Beijing']) sites.push(await harness.addSite(name));
    const images = makeImages(harness.directory);
    for (const site of sites) for (const [name, file] of images) site.media.set(name, file);
    const [first] = sites;
    await harness.request('PATCH', `/api/sites/${first?.id}`, { body: { zone: ['10.1.0.0/16'] } });
    for (const series of SERIES) await harness.request('POST', '/api/series', { body: series });
    const tracker = await startSceneTracker(harness);
    stops.push(tracker.stop);
    const records = describeVideos(count);
    for (const [at, record] of records.entries()) sites[at % sites.length]?.put(record);
    for (const site of sites) await collect(site);
    await untilRegistered(harness, records.at(-1)?.video);
    return {
      url: harness.url,
      request: harness.request,
      sites,
      trackerUrl: tracker.url,
      videos: records.map(({ video }) => video),
      async publish(at, changes) {
        const record = videoRecord(changes);
        const site = siteAt(sites, at);
        site.put(record);
        await collect(site);
        return record.video;
      },
      async withdraw(at, video) {
        const site = siteAt(sites, at);
        site.put(tombstone(video, 2));
        await collect(site);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function siteAt(sites: readonly TestSite[], at: number): TestSite {
  const site = sites[at];
  if (!site) throw new Error(`the scene has no site ${at}`);
  return site;
}

async function collect(site: TestSite): Promise<void> {
  await site.signal();
  await site.collect();
}

async function startSceneTracker(harness: CentralHarness) {
  const url = `http://127.0.0.1:${await freePort()}`;
  const { body } = await harness.request('POST', '/api/trackers', {
    body: { name: 'tracker', baseUrl: url },
  });
  const { joinToken } = newTrackerResponseSchema.parse(body);
  const config = trackerConfigSchema.parse({
    listen: new URL(url).host,
    baseUrl: url,
    central: harness.url,
    joinToken,
    operatorToken: TOKEN,
    dataDirectory: join(harness.directory, 'tracker'),
    trustClientParameter: true,
    logLevel: 'silent',
  });
  const tracker = await startTracker(config);
  return { url, stop: tracker.stop };
}

async function untilRegistered(harness: CentralHarness, video: VideoId | undefined): Promise<void> {
  await eventually('the last video is registered', async () => {
    const { body } = await harness.request('GET', `/api/videos/${video}`);
    return body.state === 'registered' || undefined;
  });
}

/** A poster and a storyboard, which all videos of the scene share. */
function makeImages(directory: string) {
  const poster = join(directory, 'poster.jpg');
  const sprite = join(directory, 'storyboard.jpg');
  const ffmpeg = requireFfmpeg();
  const from = (filter: string, ...to: string[]) =>
    runProgram(ffmpeg, ['-y', '-f', 'lavfi', '-i', filter, ...to]);
  from('gradients=size=640x360:seed=7:nb_colors=4:duration=1', '-frames:v', '1', poster);
  from(
    `testsrc2=size=${TILE.width}x${TILE.height}:rate=1`,
    '-vf',
    `tile=${TILES}x1`,
    '-frames:v',
    '1',
    sprite,
  );
  const time = (s: number): string =>
    `00:${String(Math.floor(s / 60)).padStart(2, '0')}:${String(s % 60).padStart(2, '0')}.000`;
  const cues = Array.from(
    { length: TILES },
    (_, at) =>
      `${time(at * 10)} --> ${time(at * 10 + 10)}\nstoryboard.jpg#xywh=${at * TILE.width},0,${TILE.width},${TILE.height}\n`,
  );
  return [
    ['poster.jpg', { type: 'image/jpeg', body: readFileSync(poster) }],
    ['storyboard.jpg', { type: 'image/jpeg', body: readFileSync(sprite) }],
    ['storyboard.vtt', { type: 'text/vtt', body: `WEBVTT\n\n${cues.join('\n')}` }],
  ] as const;
}

/** Names as people give them: short and long, in several languages and directions of writing. */
const NAMES: readonly (readonly [string, string])[] = [
  ['The river at night', 'en'],
  ['河流与湖泊：地貌学导论', 'zh-Hans'],
  ['Evening lecture: how deltas grow', 'en'],
  ['מבוא לזרימת נוזלים', 'he'],
  ['Strömungslehre, Teil 2: Grenzschichten und der Umschlag zur Turbulenz in Rohren und an Platten', 'de'],
  ['水文學：流域與洪水', 'zh-Hant'],
  ['مقدمة في ميكانيكا الموائع', 'ar'],
  ['Lab safety', 'en'],
  ['第三课：问路与方向', 'zh-Hans'],
];
const PEOPLE = ['Li Na', '王伟', 'Grace Hopper', 'Anna Müller'];
const TAGS = ['water', 'geology', '课程', 'laboratory'];

function describeVideos(count: number): readonly VideoRecord[] {
  return Array.from({ length: count }, (_, at) => {
    const [name, language] = NAMES[at % NAMES.length] ?? ['', 'en'];
    const round = Math.floor(at / NAMES.length);
    const durationMs = [95_000, 754_000, 3_723_000, 20_000][at % 4] ?? 20_000;
    const base = videoRecord();
    return {
      ...base,
      name: round === 0 ? name : `${name} (${round + 1})`,
      language,
      description:
        at % 3 === 0
          ? `Recorded for the course. Part ${at}. It shows the flow around a cylinder, at several speeds.`
          : '',
      durationMs,
      pictures: { poster: at % 5 !== 4, storyboard: at % 5 !== 4 },
      renditions: at % 2 === 0 ? [...base.renditions, CAPTIONS] : base.renditions,
      people: [{ name: PEOPLE[at % PEOPLE.length] ?? '', role: 'speaker' }],
      tags: [TAGS[at % TAGS.length] ?? ''],
      ...(at % 6 === 0 ? { series: { id: 'fluid-mechanics', position: at / 6 + 1 } } : {}),
      ...(at % 9 === 8 ? { series: { id: 'hanyu', position: (at + 1) / 9 } } : {}),
      ...(at % 4 === 1 ? { recordedAt: `20${10 + (at % 14)}-05-01T08:00:00.000Z` } : {}),
      createdAt: new Date(Date.now() - (count - at) * DAY_MS).toISOString(),
    };
  });
}

const CAPTIONS = {
  kind: 'captions',
  id: 'captions-en',
  codec: 'wvtt',
  bandwidthBps: 1_000,
  averageBandwidthBps: 500,
  language: 'en',
} as const;
