/**
 * Everything that central writes for programs: heads of pages, oEmbed, feeds, the sitemap. Texts of people stay texts, and a video
 * that is not public leaves no trace.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newVideoId } from '../../src/protocol/base/ids.ts';
import { recordSchema, type VideoRecord } from '../../src/protocol/publication/record.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { videoRecord } from '../support/records.ts';
import { makeTemporaryDirectory, removeDirectory } from '../support/temporary-directory.ts';
import { parseXml } from '../support/xml.ts';

const ATTACK = `</script><script>alert(1)</script>"'&<b>]]>]]><x/>`;
/** The members of this central know it by its address; programs get the address of the settings. */
let BASE: string;
const TRACKER = 'http://127.0.0.1:90';
const PUBLIC = { pictures: { poster: true, storyboard: false } } as const;
const lecture = videoRecord({
  ...PUBLIC,
  name: `Lecture ${ATTACK}`,
  description: `First line\n${ATTACK}`,
  language: 'zh-Hans',
  durationMs: 3_723_000,
  series: { id: 'algebra', position: 2 },
  tags: [ATTACK, 'maths'],
  people: [{ name: `Ada ${ATTACK}` }],
  chapters: [
    { startMs: 0, title: `Start ${ATTACK}` },
    { startMs: 60_000, title: 'Rings' },
  ],
  licence: 'https://creativecommons.org/licenses/by/4.0/',
  downloads: 'source',
});
const first = videoRecord({ ...PUBLIC, name: 'Groups', series: { id: 'algebra', position: 1 } });
const plain = videoRecord({ ...PUBLIC, name: 'Plain', people: [{ name: 'Grace Hopper' }] });
const sound = videoRecord({ name: 'Sound only', width: undefined, height: undefined });
const SECRET = 'Unannounced';
const hidden: readonly VideoRecord[] = [
  videoRecord({ ...PUBLIC, name: SECRET, visibility: 'private', series: { id: 'algebra' } }),
  videoRecord({ ...PUBLIC, name: SECRET, visibility: 'private', audience: 'internal', tags: [SECRET] }),
  videoRecord({ ...PUBLIC, name: SECRET, withdrawAt: '2024-06-01T00:00:00.000Z', series: { id: 'algebra' } }),
  videoRecord({ ...PUBLIC, name: SECRET, publishAt: '2999-01-01T00:00:00.000Z', series: { id: 'algebra' } }),
  videoRecord({
    ...PUBLIC,
    name: SECRET,
    visibility: 'private',
    series: { id: 'secret' },
    people: [{ name: SECRET }],
  }),
];
const unknown = newVideoId();

let harness: CentralHarness;
let pages: string;
beforeAll(async () => {
  pages = await makeTemporaryDirectory('machines');
  await mkdir(join(pages, 'assets'));
  for (const page of ['index', 'watch', 'embed', 'admin', 'lost'])
    await writeFile(
      join(pages, `${page}.html`),
      `<html><head><title>Tributary</title></head><body>${page}</body></html>`,
    );
  harness = await startCentralHarness({}, { uiDirectory: pages });
  BASE = harness.central.url;
  await harness.addTracker('tracker');
  const site = await harness.addSite('hangzhou');
  for (const record of [lecture, first, plain, sound, ...hidden]) {
    expect(recordSchema.safeParse(record).error).toBeUndefined();
    site.put(record);
  }
  expect((await site.collect()).error).toBeUndefined();
  for (const [id, title] of [
    ['algebra', `Algebra ${ATTACK}`],
    ['secret', SECRET],
  ])
    await harness.request('POST', '/api/series', { body: { id, title, description: ATTACK } });
});
afterAll(async () => {
  await harness.stop();
  await removeDirectory(pages);
});

const get = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
  const response = await fetch(harness.central.url + path, { headers });
  return { status: response.status, headers: response.headers, body: await response.text() };
};
const dataOf = (html: string) => {
  const [, block = ''] = /<script type="application\/ld\+json">(.*?)<\/script>/s.exec(html) ?? [];
  return JSON.parse(block);
};

describe('the head of a page', () => {
  it('describes a video to programs, with the texts of people as texts', async () => {
    const { status, body, headers } = await get(`/watch/${lecture.video}`);
    expect(status).toBe(200);
    expect(headers.get('x-robots-tag')).toBeNull();
    expect(body.match(/<script/g)).toHaveLength(1);
    expect(body).not.toMatch(/<b>|<x\/>|\u2028/);
    expect(body).toContain(`<link rel="canonical" href="${BASE}/watch/${lecture.video}" />`);
    expect(body).toContain(`<meta property="og:video" content="${BASE}/embed/${lecture.video}" />`);
    expect(body).toContain(`content="${TRACKER}/go/${lecture.video}/poster.jpg"`);
    expect(body).toMatch(/type="application\/json\+oembed"/);
    expect(body).toContain(`href="${BASE}/feeds/series/algebra.xml"`);
    expect(dataOf(body)).toMatchObject({
      '@type': 'VideoObject',
      name: lecture.name,
      duration: 'PT1H2M3S',
      embedUrl: `${BASE}/embed/${lecture.video}`,
      contentUrl: `${TRACKER}/download/${lecture.video}`,
      thumbnailUrl: [`${TRACKER}/go/${lecture.video}/poster.jpg`],
      uploadDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      inLanguage: 'zh-Hans',
      license: lecture.licence,
      contributor: [{ name: lecture.people?.[0]?.name }],
      hasPart: [
        { '@type': 'Clip', name: lecture.chapters?.[0]?.title, startOffset: 0, endOffset: 60 },
        { startOffset: 60, endOffset: 3_723, url: `${BASE}/watch/${lecture.video}?t=60` },
      ],
    });
    const again = await get(`/watch/${lecture.video}`, { 'if-none-match': headers.get('etag') ?? '' });
    expect(again.status).toBe(304);
    expect((await get(`/watch/${plain.video}`)).headers.get('etag')).not.toBe(headers.get('etag'));
  });

  it('describes the other pages', async () => {
    const front = await get('/');
    expect(dataOf(front.body)).toMatchObject({ '@type': 'WebSite', url: `${BASE}/` });
    expect(front.body).toContain(`href="${BASE}/feeds/search.xml"`);
    const person = `/person?name=${encodeURIComponent('Grace Hopper')}`;
    expect((await get(person)).body).toContain(
      `<link rel="canonical" href="${BASE}/person?name=Grace+Hopper" />`,
    );
    const list = dataOf((await get('/series/algebra')).body);
    expect(list).toMatchObject({ '@type': 'ItemList', name: `Algebra ${ATTACK}`, numberOfItems: 2 });
    expect(list.itemListElement.map(({ url }: { url: string }) => url)).toEqual(
      [first, lecture].map(({ video }) => `${BASE}/watch/${video}`),
    );
    expect((await get('/series/secret')).body).toBe((await get('/series/missing')).body);
    for (const nobody of [
      '',
      '?name=',
      '?name=Nobody',
      `?name=${SECRET}`,
      `?name=${encodeURIComponent(ATTACK)}`,
    ]) {
      const { body, headers } = await get(`/person${nobody}`);
      expect(headers.get('x-robots-tag')).toBe('noindex');
      expect(body).toBe((await get('/search?q=anything')).body);
    }
    const embedded = await get(`/embed/${lecture.video}`);
    expect(embedded.headers.get('x-robots-tag')).toBe('noindex, indexifembedded');
    expect(embedded.body).toContain(`href="${BASE}/watch/${lecture.video}"`);
    expect((await get('/admin')).body).toContain('<title>Tributary</title>');
  });
});

describe('a video that is not public', () => {
  const addresses = (id: string): readonly string[] => [
    `/watch/${id}`,
    `/embed/${id}`,
    `/oembed?url=${encodeURIComponent(`${BASE}/watch/${id}`)}`,
    `/oembed?format=xml&url=${encodeURIComponent(`${BASE}/embed/${id}`)}`,
  ];

  it('has the page and responses of an unknown one, byte for byte', async () => {
    for (const { video } of hidden) {
      for (const [at, path] of addresses(video).entries()) {
        const [one, other] = [await get(path), await get(addresses(unknown)[at] ?? '')];
        expect([one.status, one.body]).toEqual([other.status, other.body]);
        const named = ({ headers }: typeof one) => [...headers].filter(([name]) => name !== 'date');
        expect(named(one)).toEqual(named(other));
      }
    }
    expect((await get(`/watch/${unknown}`)).headers.get('x-robots-tag')).toBe('noindex');
    const series = await get('/feeds/series/secret.xml');
    const missing = await get('/feeds/series/missing.xml');
    expect([series.status, series.body]).toEqual([404, missing.body]);
  });

  it('is in no feed and no sitemap', async () => {
    const index = parseXml((await get('/sitemap.xml')).body, ['sitemap']);
    const parts: string[] = index.sitemapindex.sitemap.map(
      ({ loc }: { loc: string }) => new URL(loc).pathname,
    );
    const paths = [
      ...parts,
      '/feeds/series/algebra.xml',
      '/feeds/search.xml',
      `/feeds/search.xml?q=${SECRET}`,
    ];
    for (const path of [...paths, '/', '/robots.txt']) {
      const { status, body } = await get(path);
      expect(status, path).toBe(200);
      expect(body.replaceAll(`q=${SECRET}`, '').replaceAll(`Tributary: ${SECRET}`, ''), path).not.toContain(
        SECRET,
      );
      for (const { video } of hidden) expect(body, path).not.toContain(video);
    }
  });
});

describe('oEmbed', () => {
  const ask = (url: string, query = '') => get(`/oembed?url=${encodeURIComponent(url)}${query}`);

  it('returns the player within the limits, as JSON and XML', async () => {
    const { status, body, headers } = await ask(
      `${BASE}/watch/${lecture.video}?t=5`,
      '&maxwidth=640&maxheight=180',
    );
    expect([status, headers.get('access-control-allow-origin')]).toEqual([200, '*']);
    const response = JSON.parse(body);
    expect(response).toMatchObject({
      version: '1.0',
      type: 'video',
      title: lecture.name,
      width: 320,
      height: 180,
      thumbnail_url: `${TRACKER}/go/${lecture.video}/poster.jpg`,
    });
    expect(response.html).toMatch(
      new RegExp(`^<iframe src="${BASE}/embed/${lecture.video}" [^<>]*></iframe>$`),
    );
    const xml = parseXml((await ask(`${BASE}/embed/${lecture.video}`, '&format=xml')).body);
    expect(xml.oembed).toMatchObject({ version: '1.0', title: lecture.name, width: '1280', height: '720' });
    expect(JSON.parse((await ask(`${BASE}/watch/${sound.video}`)).body)).toMatchObject({
      width: 1_280,
      height: 720,
    });
  });

  it('refuses other formats and other addresses', async () => {
    expect((await ask(`${BASE}/watch/${lecture.video}`, '&format=yaml')).status).toBe(501);
    for (const url of [
      `https://evil.example/watch/${lecture.video}`,
      `${BASE}/admin`,
      `javascript:alert(1)//${lecture.video}`,
      `${BASE}/watch/${lecture.video}/more`,
      'no address',
    ])
      expect((await ask(url)).status, url).toBe(404);
    expect((await get('/oembed')).status).toBe(400);
  });
});

describe('a feed', () => {
  it('lists a series in its order, with enclosures and images', async () => {
    const { status, body, headers } = await get('/feeds/series/algebra.xml');
    expect([status, headers.get('content-type')]).toEqual([200, 'application/rss+xml; charset=utf-8']);
    expect(headers.get('cache-control')).toMatch(/max-age/);
    const { channel, ...rss } = parseXml(body, ['item']).rss;
    expect(rss['@version']).toBe('2.0');
    expect(channel).toMatchObject({ link: `${BASE}/series/algebra`, 'itunes:explicit': 'false' });
    expect(channel['atom:link']).toMatchObject({
      '@href': `${BASE}/feeds/series/algebra.xml`,
      '@rel': 'self',
    });
    expect(channel.item).toHaveLength(2);
    const [one, two] = channel.item;
    expect(one.title).toBe('Groups');
    expect(one.enclosure).toEqual({
      '@url': `${TRACKER}/play/${first.video}.m3u8`,
      '@type': 'application/vnd.apple.mpegurl',
      '@length': String((first.bitrateBps * first.durationMs) / 8_000),
    });
    expect(two).toMatchObject({
      link: `${BASE}/watch/${lecture.video}`,
      enclosure: {
        '@url': `${TRACKER}/download/${lecture.video}`,
        '@type': 'video/mp4',
        '@length': '1000000',
      },
      'itunes:duration': '3723',
      'itunes:episode': '2',
      'itunes:image': { '@href': `${TRACKER}/go/${lecture.video}/poster.jpg` },
      'media:thumbnail': { '@url': `${TRACKER}/go/${lecture.video}/poster.jpg` },
    });
    expect(new Date(two.pubDate).getTime()).toBeGreaterThan(0);
    // A title may look like markup, and its end of a CDATA section is broken.
    expect(two.title).toBe(lecture.name.replaceAll(']]>', ']] >'));
    expect(two.description).not.toMatch(/[<>]/);
    const again = await get('/feeds/series/algebra.xml', { 'if-none-match': headers.get('etag') ?? '' });
    expect(again.status).toBe(304);
    expect(Date.parse(headers.get('last-modified') ?? '')).toBeGreaterThan(0);
  });

  it('lists a search, and survives any query', async () => {
    const found = parseXml((await get('/feeds/search.xml?q=Plain')).body, ['item']).rss.channel;
    expect(found.item.map((item: { link: string }) => item.link)).toEqual([`${BASE}/watch/${plain.video}`]);
    const none = await get(`/feeds/search.xml?q=${encodeURIComponent(`${ATTACK}\0`)}`);
    expect(none.status).toBe(200);
    expect(parseXml(none.body).rss.channel.title).toContain('<x/>');
    const all = parseXml((await get('/feeds/search.xml')).body, ['item']).rss.channel;
    expect(all.item).toHaveLength(4);
  });
});

describe('the sitemap', () => {
  it('lists all public videos with the members that the video extension requires', async () => {
    const index = parseXml((await get('/sitemap.xml')).body, ['sitemap']).sitemapindex;
    const locations: string[] = index.sitemap.map(({ loc }: { loc: string }) => loc);
    expect(locations[0]).toBe(`${BASE}/sitemaps/pages.xml`);
    const listed = await Promise.all(
      locations.map(async loc => parseXml((await get(new URL(loc).pathname)).body, ['url']).urlset.url),
    );
    const urls: { loc: string; 'video:video'?: Record<string, unknown> }[] = listed.flat();
    const videos = [lecture, first, plain, sound].map(({ video }) => `${BASE}/watch/${video}`);
    expect(urls.map(({ loc }) => loc).sort()).toEqual(
      [`${BASE}/`, `${BASE}/series/algebra`, ...videos].sort(),
    );
    const described = urls.find(({ loc }) => loc === videos[0])?.['video:video'];
    expect(described).toMatchObject({
      'video:thumbnail_loc': `${TRACKER}/go/${lecture.video}/poster.jpg`,
      'video:player_loc': `${BASE}/embed/${lecture.video}`,
      'video:duration': '3723',
      'video:title': expect.stringContaining('Lecture </script>'),
      'video:description': expect.stringContaining('First line'),
    });
    expect(urls.find(({ loc }) => loc === videos[3])?.['video:video']).toBeUndefined();
    const robots = (await get('/robots.txt')).body;
    expect(robots).toContain(`Sitemap: ${BASE}/sitemap.xml`);
    expect(robots).toContain('Disallow: /admin');
  });

  it('refuses other names', async () => {
    for (const name of ['x.xml', 'pages', '..%2f.xml', 'e30.xml'])
      expect((await get(`/sitemaps/${name}`)).status, name).toBeGreaterThanOrEqual(400);
  });
});
