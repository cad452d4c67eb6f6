/**
 * Every address that names a video, at every part. Somebody who may not watch a video gets from each of them exactly what they get for
 * a video that does not exist. Add an address here when a part gets a new one.
 */
import type { RawRequest } from '../../support/raw-response.ts';

/** A video, or one that does not exist. */
export interface Subject {
  readonly id: string;
  readonly name: string;
}

export interface Places {
  readonly central: string;
  readonly tracker: string;
  /** The URLs of the sites, and of proxies in front of them. */
  readonly sites: readonly string[];
  /** The ids of the sites. */
  readonly siteIds: readonly string[];
  /** The revision of the video. */
  readonly revision: string;
}

const GRANT = 'A'.repeat(40);
const RIGHTS = ['', `?grant=${GRANT}`];
const JSON_TYPE = { 'content-type': 'application/json' };
const TUS = { 'tus-resumable': '1.0.0' };
/** The sitemap of all videos: its cursor is the beginning of the list. */
const ALL_VIDEOS = `/sitemaps/${Buffer.from('[0,"0"]').toString('base64url')}.xml`;
const MEDIA = [
  'multivariant.m3u8',
  'manifest.mpd',
  'timeline.json',
  'source-video/media.m3u8',
  'source-video/init.mp4',
  'source-video/0.m4s',
  'source-audio/0.m4s',
  'captions-en/media.m3u8',
  'captions-en/0.vtt',
  'captions-en/captions.vtt',
  'poster.jpg',
  'storyboard.vtt',
  'storyboard.jpg',
  'record-1.json',
] as const;

type Address = readonly [
  method: string,
  path: string,
  headers?: Readonly<Record<string, string>>,
  body?: string,
];

export function listVideoAddresses(places: Places, subject: Subject): RawRequest[] {
  const at = (url: string, addresses: readonly Address[]): RawRequest[] =>
    addresses.map(([method, path, headers = {}, body]) => ({
      method,
      url: url + path,
      // Changes with a session must come from a page of the same part.
      headers: method === 'GET' || method === 'HEAD' ? headers : { origin: url, ...headers },
      body,
    }));
  return [
    ...at(places.central, atCentral(places, subject)),
    ...at(places.tracker, atTracker(places, subject)),
    ...places.sites.flatMap(url => at(url, atSite(places, subject))),
  ];
}

function atCentral({ central }: Places, { id, name }: Subject): Address[] {
  const newGrant = JSON.stringify({ lifetimeS: 600 });
  return [
    ...RIGHTS.map((grant): Address => ['GET', `/api/videos/${id}${grant}`]),
    ['HEAD', `/api/videos/${id}`],
    ['OPTIONS', `/api/videos/${id}`],
    ['GET', `/api/videos?q=${encodeURIComponent(name)}`],
    ['GET', `/api/videos?q=${encodeURIComponent(name)}&limit=1`],
    ['POST', `/api/videos/${id}/viewing`],
    ['GET', `/api/videos/${id}/poster.jpg`],
    ['HEAD', `/api/videos/${id}/poster.jpg`],
    ['GET', `/api/videos/${id}/grants`],
    ['POST', `/api/videos/${id}/grants`, JSON_TYPE, newGrant],
    ['DELETE', `/api/videos/${id}/grants`],
    ['DELETE', `/api/videos/${id}/grants/0123456789abcdef`],
    ['GET', `/api/explain/${id}`],
    ['POST', `/api/dry-run?video=${id}`, JSON_TYPE, '{}'],
    ['GET', `/watch/${id}`],
    ['HEAD', `/watch/${id}`],
    ['GET', `/watch/${id}?grant=${GRANT}`],
    ['GET', `/embed/${id}`],
    ['HEAD', `/embed/${id}`],
    ['GET', `/api/videos/${id}/storyboard.vtt`],
    ...['json', 'xml'].flatMap(format =>
      ['watch', 'embed'].map((page): Address => {
        const url = encodeURIComponent(`${central}/${page}/${id}`);
        return ['GET', `/oembed?format=${format}&url=${url}`];
      }),
    ),
    ...['', `?q=${encodeURIComponent(name)}`].flatMap((query): Address[] => [
      ['GET', `/feeds/search.xml${query}`],
      ['GET', `/search${query}`],
      ['GET', `/api/facets${query}`],
      ['GET', `/api/suggestions${query || '?q=a'}`],
    ]),
    ['GET', '/'],
    ['GET', '/sitemap.xml'],
    ['GET', '/sitemaps/pages.xml'],
    ['GET', ALL_VIDEOS],
  ];
}

function atTracker({ siteIds, revision }: Places, { id }: Subject): Address[] {
  const pathways = siteIds.join('.');
  return [
    ...RIGHTS.flatMap((grant): Address[] => [
      ['GET', `/play/${id}${grant}`],
      ['HEAD', `/play/${id}${grant}`],
      ['GET', `/play/${id}.m3u8${grant}`],
      ['GET', `/play/${id}.mpd${grant}`],
      ['GET', `/play/${id}.mp4${grant}`],
      ['GET', `/go/${id}${grant}`],
      ['GET', `/go/${id}/poster.jpg${grant}`],
      ['GET', `/go/${id}/storyboard.vtt${grant}`],
      ['GET', `/download/${id}${grant}`],
      ['GET', `/relay/${id}.m3u8${grant}`],
      ...[revision, 'growing'].flatMap((one): Address[] => [
        ['GET', `/relay/${id}/${one}/source-video/media.m3u8${grant}`],
        ['GET', `/relay/${id}/${one}/source-video/0.m4s${grant}`],
        ['GET', `/relay/${id}/${one}/none/media.m3u8${grant}`],
      ]),
      ['GET', `/steer/${id}${grant || '?'}&session=x&pathways=${pathways}`],
    ]),
    ...siteIds.map((site): Address => ['GET', `/play/${id}?fill=${site}`]),
    ['GET', `/steer/${id}`],
    ['GET', `/explain/${id}`],
    ['GET', `/explain/${id}?client=10.0.0.1`],
    ['POST', `/dry-run?video=${id}`, JSON_TYPE, '{}'],
  ];
}

function atSite({ siteIds: [site = ''], revision }: Places, { id, name }: Subject): Address[] {
  const video = `/api/videos/${id}`;
  return [
    ['GET', video],
    ['HEAD', video],
    ['PATCH', video, JSON_TYPE, '{"name":"Mine"}'],
    ['DELETE', video],
    ['POST', `${video}/publish`],
    ['POST', `${video}/send-back`, JSON_TYPE, '{"comment":"no"}'],
    ['POST', `${video}/submit`],
    ['POST', `${video}/captions?language=en`, { 'content-type': 'text/vtt' }, 'WEBVTT\n'],
    ['DELETE', `${video}/captions/captions-en`],
    ['HEAD', `/api/uploads/${id}`, TUS],
    ['PATCH', `/api/uploads/${id}`, { ...TUS, 'upload-offset': '0' }, 'x'],
    ['DELETE', `/api/uploads/${id}`, TUS],
    ['GET', `/api/library?q=${encodeURIComponent(name)}`],
    ['GET', `/parts/upstreams/${id}`],
    ...MEDIA.map((file): Address => ['GET', `/v/${id}/${revision}/${file}`]),
    ...['source-video/0.m4s', 'poster.jpg'].flatMap((file): Address[] => {
      const path = `/v/${id}/${revision}/${file}`;
      return [
        ['HEAD', path],
        ['GET', path, { range: 'bytes=0-9' }],
        ['GET', path, { 'tributary-fill': site }],
        ['GET', `/t/${GRANT}${path}`],
      ];
    }),
    ['GET', `/v/${id}/${revision}/source-video/0.m4s`, { 'if-none-match': '*' }],
    ['GET', `/v/${id}/${revision}/`],
    ['GET', `/v/${id}/${revision}/none/0.m4s`],
    ['GET', `/v/${id}/0/poster.jpg`],
  ];
}
