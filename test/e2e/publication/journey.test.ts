/** The whole path: a video is uploaded at a site, published, found, and played from the site that the tracker chooses. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Signal, Video } from '../../../src/protocol/central.ts';
import type { SiteVideo } from '../../../src/protocol/site.ts';
import { requireFfmpeg } from '../../media/video-cache.ts';
import { type Demo, findAtSite, findVideo, play, startDemo } from '../../support/demo.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
import { runProgram } from '../../support/programs.ts';
import { readVideo, shortVideo, videoVariants } from '../../support/sample-videos.ts';
import { upload } from '../../support/uploads.ts';

let demo: Demo;
/** The catalogue as the demo leaves it when it has started. */
let atStart: readonly Video[];
beforeAll(async () => {
  demo = await startDemo();
  ({ videos: atStart } = await getJson<{ videos: Video[] }>(`${demo.central}/api/videos`));
});
afterAll(() => demo?.stop());

const site = (index: number) => {
  const found = demo.sites[index];
  if (!found) throw new Error(`the demo has no site ${index}`);
  return found;
};

/** The packets of each stream as ffmpeg reads them: size and hash, in order. */
function readPackets(input: string): Record<string, string[]> {
  const { status, stdout, stderr } = runProgram(requireFfmpeg(), [
    '-hide_banner',
    '-loglevel',
    'error',
    '-i',
    input,
    '-map',
    '0:v?',
    '-map',
    '0:a?',
    '-c',
    'copy',
    '-f',
    'framemd5',
    '-',
  ]);
  if (status !== 0) throw new Error(`ffmpeg ended with ${status} on ${input}: ${stderr}`);
  const packets: Record<string, string[]> = {};
  for (const line of stdout.split('\n')) {
    if (line.startsWith('#') || line.trim() === '') continue;
    const [stream = '', , , , size = '', hash = ''] = line.split(',').map(field => field.trim());
    const list = packets[stream] ?? [];
    list.push(`${size} ${hash}`);
    packets[stream] = list;
  }
  return packets;
}

/** The warnings of ffmpeg, except its note that the next pathway is on another host. */
const warningsIn = (stderr: string): string =>
  stderr
    .split('\n')
    .filter(line => line !== '' && !line.includes('Cannot reuse HTTP connection'))
    .join('\n');

const registered = (id: string): Promise<Video> =>
  eventually(`${id} is registered`, async () => {
    const video = await findVideo(demo, id);
    return video.state === 'registered' ? video : undefined;
  });

describe('the sample video', () => {
  it('was uploaded, published and registered like any other', () => {
    expect(atStart).toHaveLength(1);
    expect(atStart[0]).toMatchObject({ state: 'registered', width: 1280, height: 720 });
    expect(atStart[0]?.durationMs).toBeGreaterThan(19_000);
    expect(demo.output()).toContain('✓ sample video');
  });
});

describe('an upload', () => {
  let video: Video;
  beforeAll(async () => {
    const { id } = await upload(site(0).url, demo.token, readVideo(shortVideo()), {
      name: '物理讲座',
      filename: 'short.mp4',
      description: 'A lecture',
    });
    video = await registered(id);
  });

  it('has a complete record', () => {
    expect(video).toMatchObject({
      name: '物理讲座',
      path: `videos/${video.id}/source`,
      sourceAddress: new URL(site(0).url).host,
      sizeBytes: readVideo(shortVideo()).length,
      width: 640,
      height: 360,
      site: { id: site(0).id },
    });
    expect(video.bitrateBps).toBeGreaterThan(10_000);
    expect(video.codecs.join()).toMatch(/avc1\.\w{6},mp4a\.40\.2/);
    expect(video.copies).toEqual([{ site: site(0).id, address: video.sourceAddress, state: 'origin' }]);
  });

  it('is found by a part of its Chinese name', async () => {
    const search = async (q: string) =>
      (
        await getJson<{ videos: Video[] }>(`${demo.central}/api/videos?q=${encodeURIComponent(q)}`)
      ).videos.map(({ id }) => id);
    expect(await search('讲座')).toEqual([video.id]);
    expect(await search('理')).toEqual([video.id]);
    expect(await search('化学')).toEqual([]);
  });

  it('shows every step at its site', async () => {
    const atSite = await eventually('the site knows that it is registered', async () => {
      const found = await findAtSite(demo, 0, video.id);
      return found.registered ? found : undefined;
    });
    expect(atSite).toMatchObject({ state: 'ready', progress: 1, signalSent: true, published: true });
  });

  it('left a signal in the log that was received and handled', async () => {
    const { signals } = await getJson<{ signals: Signal[] }>(`${demo.central}/api/signals`, demo.token);
    const own = signals.filter(signal => signal.site.id === site(0).id);
    expect(own.length).toBeGreaterThan(0);
    for (const signal of own) expect(signal.handledAt).toBeDefined();
    expect((await fetch(`${demo.central}/api/signals`)).status).toBe(401);
  });

  it('is offered to each viewer from the site of their zone first, then by distance', async () => {
    for (const [index, expected] of [
      [0, [0, 1, 2]],
      [1, [1, 0, 2]],
      [2, [2, 0, 1]],
    ] as const) {
      const response = await play(demo, video.id, site(index).viewer);
      expect(response.sources.map(source => source.site)).toEqual(expected.map(each => site(each).id));
      expect(response.sources[0]?.reason).toMatch(/zone/i);
      expect(response.sources[0]?.address).toBe(new URL(site(index).url).host);
    }
  });

  it('is offered to players as pathways, with the first steering manifest inline', async () => {
    const text = await (await fetch(`${demo.tracker}/play/${video.id}.m3u8?client=${site(1).viewer}`)).text();
    const steering = /#EXT-X-CONTENT-STEERING:SERVER-URI="(data:[^"]+)",PATHWAY-ID="([^"]+)"/.exec(text);
    expect(steering?.[2]).toBe(site(1).id);
    const manifest = (await (await fetch(steering?.[1] ?? '')).json()) as Record<string, unknown>;
    expect(manifest).toMatchObject({ VERSION: 1, 'PATHWAY-PRIORITY': [site(1).id, site(0).id, site(2).id] });
    expect(manifest.TTL).toBeGreaterThanOrEqual(15);
    const again = await getJson<Record<string, unknown>>(
      `${String(manifest['RELOAD-URI'])}&_HLS_pathway=${site(1).id}&_HLS_throughput=5000000`,
    );
    expect(again['PATHWAY-PRIORITY']).toEqual([site(1).id, site(0).id, site(2).id]);
    expect(text.match(/^#EXT-X-STREAM-INF:.*PATHWAY-ID=/gm)).toHaveLength(3);
  });

  it('is filled by a site that does not have it, with the same bytes', async () => {
    const path = `/v/${video.id}/${video.revision}/source-video/0.m4s`;
    const [own, filled] = await Promise.all(
      [0, 1].map(async index => Buffer.from(await (await fetch(site(index).url + path)).arrayBuffer())),
    );
    expect(own?.length).toBeGreaterThan(1_000);
    expect(filled?.equals(own ?? Buffer.alloc(0))).toBe(true);
  });

  it.each(['go/ID', 'play/ID.m3u8'])('is played to its end by ffmpeg and by mpv through /%s', path => {
    const url = `${demo.tracker}/${path.replace('ID', video.id)}`;
    const decoded = runProgram(requireFfmpeg(), [
      '-v',
      'error',
      '-i',
      url,
      '-map',
      '0:v:0',
      '-map',
      '0:a:0',
      '-f',
      'null',
      '-',
    ]);
    expect({ status: decoded.status, errors: warningsIn(decoded.stderr) }).toEqual({ status: 0, errors: '' });
    const mpv = runProgram('mpv', [
      '--no-config',
      '--vo=null',
      '--ao=null',
      '--ao-null-untimed',
      '--untimed',
      '--msg-level=all=warn',
      url,
    ]);
    expect({ status: mpv.status, output: mpv.stdout.replace(/\s*\[ao\/null\].*/g, '') }).toMatchObject({
      status: 0,
    });
  });

  it('can be edited, and withdrawn everywhere', async () => {
    const { id } = await upload(site(0).url, demo.token, readVideo(shortVideo()), { name: 'Draft' });
    const { revision } = await registered(id);
    const headers = { authorization: `Bearer ${demo.token}`, 'content-type': 'application/json' };
    const url = `${site(0).url}/api/videos/${id}`;
    const edited = await fetch(url, { method: 'PATCH', headers, body: JSON.stringify({ name: '数学' }) });
    expect(edited.status).toBe(200);
    await eventually(
      'the catalogue has the new name',
      async () => (await findVideo(demo, id)).name === '数学' || undefined,
    );
    expect(
      (await fetch(url, { method: 'DELETE', headers: { authorization: headers.authorization } })).status,
    ).toBe(204);
    await eventually(
      'it has left the catalogue',
      async () => (await fetch(`${demo.central}/api/videos/${id}`)).status === 410 || undefined,
    );
    await eventually(
      'it has left the tracker',
      async () => (await fetch(`${demo.tracker}/play/${id}`)).status === 410 || undefined,
    );
    expect((await fetch(`${site(0).url}/v/${id}/${revision}/source-video/0.m4s`)).status).toBe(410);
  });
});

describe('losslessness: ffmpeg reads the same packets through the redirect as from the uploaded file', () => {
  it.each(Object.entries(videoVariants))('%s', async (name, make) => {
    const path = make();
    const { id } = await upload(site(0).url, demo.token, readVideo(path), { name, filename: path });
    await registered(id);
    const original = readPackets(path);
    expect(Object.keys(original).length).toBeGreaterThan(0);
    expect(readPackets(`${demo.tracker}/go/${id}`)).toEqual(original);
  });
});

describe('bad input', () => {
  const failed = async (body: Buffer, filename: string): Promise<SiteVideo> => {
    const { id } = await upload(site(2).url, demo.token, body, { name: 'Bad', filename });
    return eventually('it failed', async () => {
      const found = await findAtSite(demo, 2, id);
      return found.state === 'failed' ? found : undefined;
    });
  };

  it.each<[string, () => Buffer, string]>([
    ['text', () => Buffer.from('Dear all, '.repeat(500)), 'notes.mp4'],
    ['HTML', () => Buffer.from('<!doctype html><html><script>alert(1)</script></html>'), 'video.mp4'],
    [
      'SVG',
      () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
      'video.svg',
    ],
    ['a playlist', () => Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'), 'video.mp4'],
    ['one byte', () => Buffer.from('x'), 'x.mp4'],
  ])('%s is rejected with a sentence, and the site keeps working', async (_what, make, filename) => {
    const { error } = await failed(make(), filename);
    expect(error?.code).toMatch(/^[a-z-]+$/);
    expect(error?.detail).toMatch(/^[A-Z].{20,}\.$/s);
    expect((await fetch(`${site(2).url}/readyz`)).status).toBe(200);
  });

  it.each<[string, Record<string, string>, Buffer, RegExp]>([
    ['an empty file', { name: 'x' }, Buffer.alloc(0), /empty/],
    ['no name', { filename: 'x.mp4' }, Buffer.alloc(9), /name/],
    ['a name of no characters', { name: '' }, Buffer.alloc(9), /name/],
    ['a name of 9,000 characters', { name: 'x'.repeat(9_000) }, Buffer.alloc(9), /too long/],
    ['a name with a control character', { name: 'a\u0007b' }, Buffer.alloc(9), /control character/],
  ])('%s is refused before a byte is received', async (_what, metadata, body, sentence) => {
    const encode = (text: string) => Buffer.from(text).toString('base64');
    const response = await fetch(`${site(2).url}/api/uploads`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${demo.token}`,
        'tus-resumable': '1.0.0',
        'upload-length': String(body.length),
        'upload-metadata': Object.entries(metadata)
          .map(([key, value]) => `${key} ${encode(value)}`)
          .join(','),
      },
    });
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const problem = (await response.json()) as { code: string; detail: string };
    expect(problem.detail).toMatch(sentence);
  });

  it('a page of another origin may not upload, and uploads cannot be read', async () => {
    const post = await fetch(`${site(2).url}/api/uploads`, {
      method: 'POST',
      headers: {
        origin: 'http://evil.example',
        'tus-resumable': '1.0.0',
        'upload-length': '9',
        'upload-metadata': 'name eA==',
      },
    });
    expect(post.status).toBe(403);
    expect((await fetch(`${site(2).url}/api/uploads/x`)).status).toBe(405);
  });
});

describe('every part', () => {
  it('has its health, readiness, metrics and API description', async () => {
    for (const url of [demo.central, demo.tracker, site(0).url]) {
      for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json']) {
        expect([path, (await fetch(url + path)).status]).toEqual([path, 200]);
      }
      const missing = await fetch(`${url}/nowhere`);
      expect(missing.headers.get('content-type')).toContain('application/problem+json');
      expect(await missing.json()).toMatchObject({ status: 404, code: 'not-found' });
    }
  });
});

describe('the metrics', () => {
  it('are those that docs/operating.md lists', async () => {
    const namesIn = (text: string, pattern: RegExp): string[] =>
      [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].sort();
    const texts = await Promise.all(
      [demo.central, demo.tracker, site(0).url].map(async url => (await fetch(`${url}/metrics`)).text()),
    );
    const exported = namesIn(texts.join('\n'), /^# TYPE (tributary_\w+)/gm);
    expect(exported.length).toBeGreaterThan(10);
    const guide = await readFile('docs/operating.md', 'utf8');
    const table = guide.split('\n').filter(line => line.startsWith('| `tributary_'));
    expect(namesIn(table.join('\n'), /`(tributary_\w+)`/g)).toEqual(exported);
    const rules = await readFile('deploy/prometheus/tributary.rules.yml', 'utf8');
    expect(namesIn(rules, /\b(tributary_\w+)/g).filter(name => !exported.includes(name))).toEqual([]);
  });
});
