import { M3U8Parser } from 'hls.js';
import { describe, expect, test } from 'vitest';
import type { RevisionId, SiteId, VideoId } from '../../protocol/ids.ts';
import { mediaPath, type Rendition } from '../../protocol/media.ts';
import { type SteeringManifest, steeringManifestSchema } from '../../protocol/tracker.ts';
import { choose } from '../choice/choose.ts';
import { FIRST_TTL_S, formatSteerUri, makeManifest, orderPathways } from './manifest.ts';
import { formatSteeredPlaylist, toDataUri } from './playlist.ts';

const id = (n: number): SiteId => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as SiteId;
const [one, two, three] = [id(1), id(2), id(3)];
const video = '01890000-0000-7000-8000-0000000000aa' as VideoId;
const revision = '01890000-0000-7000-8000-0000000000bb' as RevisionId;
const rank = (up: Readonly<Record<SiteId, boolean>>) =>
  choose(
    {},
    new Set([two]),
    Object.entries(up).map(([site, isUp]) => ({
      id: site as SiteId,
      name: site,
      active: true,
      up: isUp,
      activeResponses: 0,
      egressBps: 0,
    })),
  );
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
      5,
    ],
    [
      'down goes last, and is told soon',
      [two, one, three],
      { [one]: true, [two]: false, [three]: true },
      [one, three, two],
      2,
    ],
    ['what is not known any more stays, last', [three, two, one], { [one]: true }, [one, three, two], 2],
    ['sites that the session does not have are left out', [one], { [one]: true, [two]: true }, [one], 5],
    ['all down', [one, two], { [one]: false, [two]: false }, [two, one], 2],
    ['nothing known', [two, one], {}, [two, one], 2],
    ['named twice', [one, one, two], { [one]: true, [two]: true }, [two, one], 5],
  ])('%s', (_, pathways, up, expected, ttl) => {
    const manifest = makeManifest(rank(up), pathways, 'https://t.example/steer/x');
    expect(steeringManifestSchema.parse(manifest)).toEqual({
      VERSION: 1,
      TTL: ttl,
      'RELOAD-URI': 'https://t.example/steer/x',
      'PATHWAY-PRIORITY': expected,
    });
  });

  test('pathways that are no ids cannot get in between', () => {
    expect(orderPathways(rank({ [one]: true }), ['__proto__', one, ''])).toEqual([one, '__proto__', '']);
  });

  test('a player stays where only load speaks against it, and leaves what is down', () => {
    const all = [one, two, three];
    const up = rank({ [one]: true, [two]: true, [three]: true });
    expect(orderPathways(up, all, three)).toEqual([three, two, one]);
    expect(orderPathways(up, all, 'nonsense')).toEqual([two, one, three]);
    expect(orderPathways(rank({ [one]: true, [two]: true, [three]: false }), all, three)).toEqual([
      two,
      one,
      three,
    ]);
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
    rank({ [one]: true, [two]: true }),
    [two, one],
    `https://t.example/steer/x?${new URLSearchParams({ a: '../b/./c//d', n: '"é"???>>>~~~' })}#../x/`,
    { isFirst: true },
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
