import { M3U8Parser } from 'hls.js';
import { describe, expect, test } from 'vitest';
import type { RevisionId, SiteId, VideoId } from '../../protocol/ids.ts';
import { mediaPath, type Rendition } from '../../protocol/media/media.ts';
import { type SteeringManifest, steeringManifestSchema } from '../../protocol/tracker.ts';
import {
  chooseTtl,
  FIRST_TTL_S,
  findHome,
  formatSteerUri,
  makeManifest,
  orderPathways,
  type Standing,
} from './manifest.ts';
import {
  clonesOf,
  namesInOrder,
  type Obedience,
  parsePathway,
  pathwayOf,
  renameRefused,
} from './pathways.ts';
import { formatSteeredPlaylist, toDataUri } from './playlist.ts';

const id = (n: number): SiteId => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as SiteId;
const [one, two, three] = [id(1), id(2), id(3)];
const video = '01890000-0000-7000-8000-0000000000aa' as VideoId;
const revision = '01890000-0000-7000-8000-0000000000bb' as RevisionId;
/** Best first: `two` before the others, as if it held the video. */
const standings = (
  up: Readonly<Record<SiteId, boolean>>,
  doubtful: readonly SiteId[] = [],
): readonly Standing[] =>
  [two, one, three]
    .filter(site => up[site])
    .map((site, at) => ({ id: site, score: 17 - at / 20, isDoubtful: doubtful.includes(site) }));
const renditions: readonly Rendition[] = [
  {
    kind: 'video',
    id: 'source-video',
    codec: 'avc1.64001f',
    bandwidthBps: 2_000_000,
    averageBandwidthBps: 1_500_000,
    width: 1280,
    height: 720,
    frameRate: 25,
  },
  {
    kind: 'audio',
    id: 'source-audio',
    codec: 'mp4a.40.2',
    bandwidthBps: 128_000,
    averageBandwidthBps: 128_000,
    channels: 2,
    sampleRateHz: 48_000,
  },
];

describe('the steering manifest', () => {
  test.each<[string, readonly string[], Readonly<Record<SiteId, boolean>>, readonly string[], number]>([
    [
      'the order of now',
      [one, two, three],
      { [one]: true, [two]: true, [three]: true },
      [two, one, three],
      4,
    ],
    [
      'down goes last, and is told soon',
      [two, one, three],
      { [one]: true, [two]: false, [three]: true },
      [one, three, two],
      2,
    ],
    ['what is not known any more stays, last', [three, two, one], { [one]: true }, [one, three, two], 2],
    ['sites that the session does not have are left out', [one], { [one]: true, [two]: true }, [one], 4],
    ['all down: as they were', [one, two], { [one]: false, [two]: false }, [one, two], 2],
    ['nothing known', [two, one], {}, [two, one], 2],
    ['named twice', [one, one, two], { [one]: true, [two]: true }, [two, one], 4],
  ])('%s', (_, pathways, up, expected, ttl) => {
    const now = standings(up);
    const manifest = makeManifest(
      orderPathways(now, pathways),
      chooseTtl(now, pathways),
      'https://t.example/steer/x',
    );
    expect(steeringManifestSchema.parse(manifest)).toEqual({
      VERSION: 1,
      TTL: ttl,
      'RELOAD-URI': 'https://t.example/steer/x',
      'PATHWAY-PRIORITY': expected,
    });
  });

  test('a site in doubt is told of soon', () => {
    expect(chooseTtl(standings({ [one]: true, [two]: true }, [one]), [one, two])).toBe(2);
    expect(chooseTtl(standings({ [one]: true, [two]: true }), [one, two], false)).toBe(2);
  });

  test('pathways that are no ids cannot get in between', () => {
    expect(orderPathways(standings({ [one]: true }), ['__proto__', one, ''])).toEqual([one, '__proto__', '']);
  });

  test('a player stays where little speaks for another site, moves for much, and leaves what is down', () => {
    const all = [one, two, three];
    const up = standings({ [one]: true, [two]: true, [three]: true });
    expect(orderPathways(up, all, { current: three })).toEqual([three, two, one]);
    expect(orderPathways(up, all, { current: 'nonsense' })).toEqual([two, one, three]);
    const muchBetter = [{ id: two, score: 18 }, ...up.filter(({ id: each }) => each !== two)];
    expect(orderPathways(muchBetter, all, { current: three })).toEqual([two, one, three]);
    const without = standings({ [one]: true, [two]: true, [three]: false });
    expect(orderPathways(without, all, { current: three })).toEqual([two, one, three]);
  });

  test('a player comes home once its site is well again, not at once, and later each time that it had to leave', () => {
    const all = [two, one, three];
    const well = standings({ [one]: true, [two]: true, [three]: true });
    const [best, ...others] = well;
    const sick = (change: object) => [{ ...(best ?? { id: two, score: 0 }), ...change }, ...others];
    const away = { current: one, home: two, patience: 0.5, movedMsAgo: 15_000, departures: 0 };
    expect(orderPathways(well, all, away)[0]).toBe(two);
    expect(
      orderPathways(standings({ [one]: true, [two]: true, [three]: true }), all, { ...away, current: three }),
    ).toEqual([two, three, one]);
    expect(orderPathways(well, all, { ...away, home: three })[0]).toBe(one);
    expect(orderPathways(well, all, { ...away, movedMsAgo: 9_000 })[0]).toBe(one);
    expect(orderPathways(well, all, { ...away, departures: 1 })[0]).toBe(one);
    expect(orderPathways(well, all, { ...away, departures: 1, movedMsAgo: 25_000 })[0]).toBe(two);
    expect(orderPathways(well, all, { ...away, departures: 9, movedMsAgo: 250_000 })[0]).toBe(one);
    expect(orderPathways(sick({ upMs: 4_000 }), all, away)[0]).toBe(one);
    expect(orderPathways(sick({ upMs: 6_000 }), all, away)[0]).toBe(two);
    expect(orderPathways(sick({ isDoubtful: true }), all, away)[0]).toBe(one);
  });

  test('a site that is ill, or was good until lately, stays home; one that has long been worse does not', () => {
    const [first, second] = [
      { id: two, score: 17 },
      { id: one, score: 16 },
    ];
    const long = 600_000;
    expect(findHome([first, second], two, undefined, 0)).toBe(two);
    expect(findHome([first, second], two, one, long)).toBe(two);
    expect(findHome([first, second], two, one, 60_000)).toBe(one);
    expect(findHome([first, second], one, two, long)).toBe(two);
    expect(findHome([first, { ...second, isDoubtful: true }], two, one, long)).toBe(one);
    expect(findHome([first], two, one, long)).toBe(one);
    expect(findHome([{ id: two, score: 16.01 }, second], two, one, long)).toBe(one);
  });

  test('a site to which a player will not go gets another name, and keeps its first', () => {
    const pathways = [one, two].map(pathwayOf);
    const obedience: Obedience = { told: pathways[0]?.site, refusals: 0 };
    const { site: other } = pathways[1] ?? pathwayOf(two);
    expect(renameRefused(pathways, obedience.told, obedience)).toEqual(pathways);
    expect(renameRefused(pathways, undefined, obedience)).toEqual(pathways);
    expect(renameRefused(pathways, other, obedience)).toEqual(pathways);
    const renamed = renameRefused(pathways, other, obedience);
    expect(renamed.map(({ id }) => id)).toEqual([`${one}_1`, two]);
    renameRefused(renamed, other, obedience);
    const again = renameRefused(renamed, other, obedience);
    expect(again.map(({ id }) => id)).toEqual([`${one}_2`, two]);
    expect(namesInOrder([two, one], again)).toEqual([two, `${one}_2`, one]);
    expect(clonesOf(again, () => 'http://127.0.0.2:8090')).toEqual([
      { 'BASE-ID': one, ID: `${one}_2`, 'URI-REPLACEMENT': { HOST: '127.0.0.2' } },
    ]);
    for (const { id, site } of again) expect(parsePathway(id)).toEqual({ id, site });
    for (const bad of ['', 'x', `${one}_`, `${one}_0`, `${one}_1000`, `${one}_1_2`, `${one}_x`])
      expect(parsePathway(bad)).toBeUndefined();
  });

  test('the address carries session, pathways and client', () => {
    const url = new URL(
      formatSteerUri('https://t.example:8081', {
        video,
        session: 's1',
        pathways: [one, two],
        client: '2001:db8::1',
      }),
    );
    expect(url.pathname).toBe(`/steer/${video}`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      session: 's1',
      pathways: `${one}.${two}`,
      client: '2001:db8::1',
    });
  });
});

describe('the steered playlist', () => {
  const pathways = [
    { id: two, baseUri: `http://127.0.0.3:8090${mediaPath(video, revision, '')}` },
    { id: one, baseUri: `http://127.0.0.2:8090${mediaPath(video, revision, '')}` },
  ];
  // Slashes, dots and quotes in it must come through every player's URL handling.
  const first: SteeringManifest = makeManifest(
    [two, one],
    FIRST_TTL_S,
    `https://t.example/steer/x?${new URLSearchParams({ a: '../b/./c//d', n: '"é"???>>>~~~' })}#../x/`,
  );

  test('hls.js finds both pathways, and the manifest behind its own URL handling', async () => {
    const text = formatSteeredPlaylist(renditions, pathways, first);
    const parsed = M3U8Parser.parseMasterPlaylist(text, 'http://127.0.0.1:8081/play/x.m3u8');
    expect(parsed.contentSteering?.pathwayId).toBe(two);
    expect(parsed.levels.map(({ url, attrs }) => [attrs['PATHWAY-ID'], attrs.AUDIO, url])).toEqual([
      [two, 'audio-0', `http://127.0.0.3:8090/v/${video}/${revision}/source-video/media.m3u8`],
      [one, 'audio-1', `http://127.0.0.2:8090/v/${video}/${revision}/source-video/media.m3u8`],
    ]);
    const media = M3U8Parser.parseMasterPlaylistMedia(text, 'http://127.0.0.1:8081/play/x.m3u8', parsed);
    expect(media.AUDIO?.map(({ url }) => url)).toEqual([
      `http://127.0.0.3:8090/v/${video}/${revision}/source-audio/media.m3u8`,
      `http://127.0.0.2:8090/v/${video}/${revision}/source-audio/media.m3u8`,
    ]);
    const loaded = await fetch(new URL(parsed.contentSteering?.uri ?? '').href);
    expect(await loaded.json()).toEqual(first);
  });

  test('the data: URI needs no escaping in a quoted string, and atob reads it as VHS does', () => {
    const uri = toDataUri({ ...first, 'RELOAD-URI': 'https://t.example/steer/x?a=1' });
    expect(uri).toMatch(/^data:application\/vnd\.apple\.steering-list;base64,[A-Za-z0-9+/]+=*$/);
    expect(JSON.parse(atob(uri.slice(uri.indexOf(',') + 1)))).toMatchObject({ TTL: FIRST_TTL_S, VERSION: 1 });
  });

  test('one site: one pathway, no steering', () => {
    const text = formatSteeredPlaylist(renditions, pathways.slice(0, 1), first);
    expect(text).not.toMatch(/STEERING|PATHWAY/);
    expect(text).toContain('http://127.0.0.3:8090/v/');
  });

  test('no site is the caller’s fault', () => {
    expect(() => formatSteeredPlaylist(renditions, [], first)).toThrow(RangeError);
  });
});
