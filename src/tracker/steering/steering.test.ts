import { M3U8Parser } from 'hls.js';
import { describe, expect, test } from 'vitest';
import type { RevisionId, SiteId, VideoId } from '../../protocol/base/ids.ts';
import { mediaPath, type Rendition } from '../../protocol/media/media.ts';
import { type SteeringManifest, steeringManifestSchema } from '../../protocol/tracker.ts';
import {
  chooseTtl,
  FIRST_TTL_S,
  findPrimary,
  formatSteerUri,
  makeManifest,
  orderPathways,
  type RankedPathway,
} from './manifest.ts';
import {
  type Compliance,
  cloneRefusedPathways,
  clonesOf,
  parsePathway,
  pathwayIdsInOrder,
  pathwayOf,
} from './pathways.ts';
import { formatSteeredPlaylist, toDataUri } from './playlist.ts';

const id = (n: number): SiteId => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as SiteId;
const [one, two, three] = [id(1), id(2), id(3)];
const video = '01890000-0000-7000-8000-0000000000aa' as VideoId;
const revision = '01890000-0000-7000-8000-0000000000bb' as RevisionId;
/** `two` is first, as if it held the video. */
const ranking = (
  up: Readonly<Record<SiteId, boolean>>,
  degraded: readonly SiteId[] = [],
): readonly RankedPathway[] =>
  [two, one, three]
    .filter(site => up[site])
    .map((site, at) => ({ id: site, score: 17 - at / 20, isDegraded: degraded.includes(site) }));
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
      'the current order',
      [one, two, three],
      { [one]: true, [two]: true, [three]: true },
      [two, one, three],
      4,
    ],
    [
      'a site that is down is last, with a short TTL',
      [two, one, three],
      { [one]: true, [two]: false, [three]: true },
      [one, three, two],
      2,
    ],
    ['unknown pathways stay in the list, last', [three, two, one], { [one]: true }, [one, three, two], 2],
    ['sites that the session does not have are left out', [one], { [one]: true, [two]: true }, [one], 4],
    ['all down: unchanged order', [one, two], { [one]: false, [two]: false }, [one, two], 2],
    ['nothing known', [two, one], {}, [two, one], 2],
    ['duplicates', [one, one, two], { [one]: true, [two]: true }, [two, one], 4],
  ])('%s', (_, pathways, up, expected, ttl) => {
    const now = ranking(up);
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

  test('a degraded site shortens the TTL', () => {
    expect(chooseTtl(ranking({ [one]: true, [two]: true }, [one]), [one, two])).toBe(2);
    expect(chooseTtl(ranking({ [one]: true, [two]: true }), [one, two], false)).toBe(2);
  });

  test('pathways that are not ids come last', () => {
    expect(orderPathways(ranking({ [one]: true }), ['__proto__', one, ''])).toEqual([one, '__proto__', '']);
  });

  test('a player stays for a small gain, switches for a large one, and leaves a site that is down', () => {
    const all = [one, two, three];
    const up = ranking({ [one]: true, [two]: true, [three]: true });
    expect(orderPathways(up, all, { current: three })).toEqual([three, two, one]);
    expect(orderPathways(up, all, { current: 'nonsense' })).toEqual([two, one, three]);
    const muchBetter = [{ id: two, score: 18 }, ...up.filter(({ id: each }) => each !== two)];
    expect(orderPathways(muchBetter, all, { current: three })).toEqual([two, one, three]);
    const without = ranking({ [one]: true, [two]: true, [three]: false });
    expect(orderPathways(without, all, { current: three })).toEqual([two, one, three]);
  });

  test('a player returns after its primary site has recovered, not at once, and later after each switch', () => {
    const all = [two, one, three];
    const healthy = ranking({ [one]: true, [two]: true, [three]: true });
    const [best, ...others] = healthy;
    const withChange = (change: object) => [{ ...(best ?? { id: two, score: 0 }), ...change }, ...others];
    const afterSwitch = {
      current: one,
      primary: two,
      sessionRandom: 0.5,
      sinceSwitchMs: 15_000,
      switches: 0,
    };
    expect(orderPathways(healthy, all, afterSwitch)[0]).toBe(two);
    expect(
      orderPathways(ranking({ [one]: true, [two]: true, [three]: true }), all, {
        ...afterSwitch,
        current: three,
      }),
    ).toEqual([two, three, one]);
    expect(orderPathways(healthy, all, { ...afterSwitch, primary: three })[0]).toBe(one);
    expect(orderPathways(healthy, all, { ...afterSwitch, sinceSwitchMs: 9_000 })[0]).toBe(one);
    expect(orderPathways(healthy, all, { ...afterSwitch, switches: 1 })[0]).toBe(one);
    expect(orderPathways(healthy, all, { ...afterSwitch, switches: 1, sinceSwitchMs: 25_000 })[0]).toBe(two);
    expect(orderPathways(healthy, all, { ...afterSwitch, switches: 9, sinceSwitchMs: 250_000 })[0]).toBe(one);
    expect(orderPathways(withChange({ upMs: 4_000 }), all, afterSwitch)[0]).toBe(one);
    expect(orderPathways(withChange({ upMs: 6_000 }), all, afterSwitch)[0]).toBe(two);
    expect(orderPathways(withChange({ isDegraded: true }), all, afterSwitch)[0]).toBe(one);
  });

  test('a degraded or recently good site stays primary; one that has long been worse does not', () => {
    const [first, second] = [
      { id: two, score: 17 },
      { id: one, score: 16 },
    ];
    const long = 600_000;
    expect(findPrimary([first, second], two, undefined, 0)).toBe(two);
    expect(findPrimary([first, second], two, one, long)).toBe(two);
    expect(findPrimary([first, second], two, one, 60_000)).toBe(one);
    expect(findPrimary([first, second], one, two, long)).toBe(two);
    expect(findPrimary([first, { ...second, isDegraded: true }], two, one, long)).toBe(one);
    expect(findPrimary([first], two, one, long)).toBe(one);
    expect(findPrimary([{ id: two, score: 16.01 }, second], two, one, long)).toBe(one);
  });

  test('a site that a player avoids gets a clone and keeps its first name', () => {
    const pathways = [one, two].map(pathwayOf);
    const compliance: Compliance = { preferred: pathways[0]?.site, refusals: 0 };
    const { site: other } = pathways[1] ?? pathwayOf(two);
    expect(cloneRefusedPathways(pathways, compliance.preferred, compliance)).toEqual(pathways);
    expect(cloneRefusedPathways(pathways, undefined, compliance)).toEqual(pathways);
    expect(cloneRefusedPathways(pathways, other, compliance)).toEqual(pathways);
    const cloned = cloneRefusedPathways(pathways, other, compliance);
    expect(cloned.map(({ id }) => id)).toEqual([`${one}_1`, two]);
    cloneRefusedPathways(cloned, other, compliance);
    const again = cloneRefusedPathways(cloned, other, compliance);
    expect(again.map(({ id }) => id)).toEqual([`${one}_2`, two]);
    expect(pathwayIdsInOrder([two, one], again)).toEqual([two, `${one}_2`, one]);
    expect(clonesOf(again, () => 'http://127.0.0.2:8090')).toEqual([
      { 'BASE-ID': one, ID: `${one}_2`, 'URI-REPLACEMENT': { HOST: '127.0.0.2' } },
    ]);
    for (const { id, site } of again) expect(parsePathway(id)).toEqual({ id, site });
    for (const bad of ['', 'x', `${one}_`, `${one}_0`, `${one}_1000`, `${one}_1_2`, `${one}_x`])
      expect(parsePathway(bad)).toBeUndefined();
  });

  test('the URI carries session, pathways and client', () => {
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
  // Slashes, dots and quotes must survive the URL handling of every player.
  const first: SteeringManifest = makeManifest(
    [two, one],
    FIRST_TTL_S,
    `https://t.example/steer/x?${new URLSearchParams({ a: '../b/./c//d', n: '"é"???>>>~~~' })}#../x/`,
  );

  test('hls.js finds both pathways and can load the manifest', async () => {
    const text = formatSteeredPlaylist(renditions, pathways, toDataUri(first));
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

  test('captions and variants name their pathway', () => {
    const captions: Rendition = {
      kind: 'captions',
      id: 'captions-en',
      codec: 'wvtt',
      bandwidthBps: 100,
      averageBandwidthBps: 100,
      language: 'en',
    };
    const text = formatSteeredPlaylist([...renditions, captions], pathways, toDataUri(first));
    const named = (tag: string) =>
      [...text.matchAll(new RegExp(`^${tag}.*PATHWAY-ID="([^"]+)"`, 'gm'))].map(([, name]) => name);
    expect(named('#EXT-X-MEDIA:TYPE=SUBTITLES,')).toEqual([two, one]);
    expect(named('#EXT-X-STREAM-INF:')).toEqual([two, one]);
  });

  test('the data: URI needs no escaping in a quoted string, and atob reads it as VHS does', () => {
    const uri = toDataUri({ ...first, 'RELOAD-URI': 'https://t.example/steer/x?a=1' });
    expect(uri).toMatch(/^data:application\/vnd\.apple\.steering-list;base64,[A-Za-z0-9+/]+=*$/);
    expect(JSON.parse(atob(uri.slice(uri.indexOf(',') + 1)))).toMatchObject({ TTL: FIRST_TTL_S, VERSION: 1 });
  });

  test('one site: one pathway, no steering', () => {
    const text = formatSteeredPlaylist(renditions, pathways.slice(0, 1), toDataUri(first));
    expect(text).not.toMatch(/STEERING|PATHWAY/);
    expect(text).toContain('http://127.0.0.3:8090/v/');
  });

  test('no site is an error of the caller', () => {
    expect(() => formatSteeredPlaylist(renditions, [], toDataUri(first))).toThrow(RangeError);
  });
});
