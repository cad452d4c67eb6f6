/** The whole path: an upload at a site becomes a picture in a player that the tracker sent to the best site. */
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
import { type UploadResult, upload } from '../../support/uploads.ts';

let demo: Demo;
beforeAll(async () => {
  demo = await startDemo();
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

/** What ffmpeg complains of, but for its note that the next pathway is on another host. */
const complaints = (stderr: string): string =>
  stderr
    .split('\n')
    .filter(line => line !== '' && !line.includes('Cannot reuse HTTP connection'))
    .join('\n');

const registered = (id: string): Promise<Video> =>
  eventually(`${id} is registered`, async () => {
    const video = await findVideo(demo, id);
    return video.state === 'registered' ? video : undefined;
  });

describe('the sample film', () => {
  it('went through the real path', async () => {
    const { videos } = await getJson<{ videos: Video[] }>(`${demo.central}/api/videos`);
    expect(videos).toHaveLength(1);
    expect(videos[0]).toMatchObject({ state: 'registered', width: 1280, height: 720 });
    expect(videos[0]?.durationMs).toBeGreaterThan(19_000);
    expect(demo.output()).toContain('✓ sample film');
  });
});

describe('an upload', () => {
  let result: UploadResult;
  let video: Video;
  /** Newest first: who was late tries again, and has uploaded two. */
  const uploaded: string[] = [];

  it('is in the catalogue within a second of its last byte, and playing', async () => {
    result = await upload(site(0).url, demo.token, readVideo(shortVideo()), {
      name: '物理讲座',
      filename: 'short.mp4',
      description: 'A lecture',
    });
    uploaded.unshift(result.id);
    video = await eventually(
      'the catalogue has it',
      () => findVideo(demo, result.id).catch(() => undefined),
      5_000,
    );
    expect(Date.now() - result.finishedMs).toBeLessThan(1_000);
    const playlist = await fetch(`${site(0).url}/v/${video.id}/${video.revision}/multivariant.m3u8`);
    expect(playlist.status).toBe(200);
    await registered(result.id);
  });

  it('has the record that the mission asks for', () => {
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

  it('is found by a word of its Chinese name', async () => {
    const search = async (q: string) =>
      (
        await getJson<{ videos: Video[] }>(`${demo.central}/api/videos?q=${encodeURIComponent(q)}`)
      ).videos.map(({ id }) => id);
    expect(await search('讲座')).toEqual(uploaded);
    expect(await search('理')).toEqual(uploaded);
    expect(await search('化学')).toEqual([]);
  });

  it('shows every step at its site, to the last one', async () => {
    const atSite = await eventually('the site sees it registered', async () => {
      const found = await findAtSite(demo, 0, video.id);
      return found.registered ? found : undefined;
    });
    expect(atSite).toMatchObject({ state: 'ready', progress: 1, signalSent: true, published: true });
  });

  it('left a signal on the desk that was received and handled', async () => {
    const { signals } = await getJson<{ signals: Signal[] }>(`${demo.central}/api/signals`, demo.token);
    const own = signals.filter(signal => signal.site.id === site(0).id);
    expect(own.length).toBeGreaterThan(0);
    for (const signal of own) expect(signal.handledAt).toBeDefined();
    expect((await fetch(`${demo.central}/api/signals`)).status).toBe(401);
  });

  it('is offered to each viewer from the site of their own zone first, then by distance', async () => {
    for (const [index, expected] of [
      [0, [0, 1, 2]],
      [1, [1, 0, 2]],
      [2, [2, 0, 1]],
    ] as const) {
      const answer = await play(demo, video.id, site(index).viewer);
      expect(answer.sources.map(source => source.site)).toEqual(expected.map(each => site(each).id));
      expect(answer.sources[0]?.reason).toMatch(/zone/i);
      expect(answer.sources[0]?.address).toBe(new URL(site(index).url).host);
    }
  });

  it('is given to players as pathways, with the first steering manifest inline', async () => {
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

  it('is filled by a site that does not have it, byte for byte the same', async () => {
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
    expect({ status: decoded.status, errors: complaints(decoded.stderr) }).toEqual({ status: 0, errors: '' });
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
    const headers = { authorization: `Bearer ${demo.token}`, 'content-type': 'application/json' };
    const url = `${site(0).url}/api/videos/${video.id}`;
    const edited = await fetch(url, { method: 'PATCH', headers, body: JSON.stringify({ name: '化学讲座' }) });
    expect(edited.status).toBe(200);
    await eventually(
      'the new name',
      async () => (await findVideo(demo, video.id)).name === '化学讲座' || undefined,
    );
    expect(
      (await fetch(url, { method: 'DELETE', headers: { authorization: headers.authorization } })).status,
    ).toBe(204);
    await eventually(
      'gone from the catalogue',
      async () => (await fetch(`${demo.central}/api/videos/${video.id}`)).status === 410 || undefined,
    );
    await eventually(
      'gone from the tracker',
      async () => (await fetch(`${demo.tracker}/play/${video.id}`)).status === 410 || undefined,
    );
    expect((await fetch(`${site(0).url}/v/${video.id}/${video.revision}/source-video/0.m4s`)).status).toBe(
      410,
    );
  });
});

describe('losslessness: what ffmpeg reads through the redirect is what was uploaded', () => {
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
  const film = () => readVideo(shortVideo());
  const failed = async (body: Buffer, filename: string): Promise<SiteVideo> => {
    const { id } = await upload(site(2).url, demo.token, body, { name: 'Bad', filename });
    return eventually('it failed', async () => {
      const video = await findAtSite(demo, 2, id);
      return video.state === 'failed' ? video : undefined;
    });
  };

  it.each<[string, () => Buffer, string]>([
    ['text', () => Buffer.from('Dear all, '.repeat(500)), 'notes.mp4'],
    ['a truncated MP4', () => film().subarray(0, film().length * 0.6), 'cut.mp4'],
    ['HTML', () => Buffer.from('<!doctype html><html><script>alert(1)</script></html>'), 'film.mp4'],
    [
      'SVG',
      () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
      'film.svg',
    ],
    ['a playlist', () => Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'), 'film.mp4'],
    ['one byte', () => Buffer.from('x'), 'x.mp4'],
  ])('%s gets a sentence, and the site goes on', async (_what, make, filename) => {
    const video = await failed(make(), filename);
    expect(video.error?.code).toMatch(/^[a-z-]+$/);
    expect(video.error?.detail).toMatch(/^[A-Z].{20,}\.$/s);
    expect((await fetch(`${site(2).url}/readyz`)).status).toBe(200);
  });

  it.each<[string, Record<string, string>, Buffer, RegExp]>([
    ['an empty file', { name: 'x' }, Buffer.alloc(0), /empty/],
    ['no name', { filename: 'x.mp4' }, Buffer.alloc(9), /name/],
    ['a name of no characters', { name: '' }, Buffer.alloc(9), /name/],
    ['a name of 10,000 characters', { name: 'x'.repeat(10_000) }, Buffer.alloc(9), /too long/],
    ['a name that turns the writing direction', { name: 'a\u202eb' }, Buffer.alloc(9), /direction/],
  ])('%s is refused before a byte is taken', async (_what, metadata, body, sentence) => {
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

  it('a page of another origin may not upload, and nothing can be read back', async () => {
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
  it('answers for itself', async () => {
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
  it('are those that docs/operating.md names', async () => {
    const namesIn = (text: string, pattern: RegExp): string[] =>
      [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].sort();
    const texts = await Promise.all(
      [demo.central, demo.tracker, site(0).url].map(async url => (await fetch(`${url}/metrics`)).text()),
    );
    const told = namesIn(texts.join('\n'), /^# TYPE (tributary_\w+)/gm);
    expect(told.length).toBeGreaterThan(10);
    const guide = await readFile('docs/operating.md', 'utf8');
    const table = guide.split('\n').filter(line => line.startsWith('| `tributary_'));
    expect(namesIn(table.join('\n'), /`(tributary_\w+)`/g)).toEqual(told);
    const rules = await readFile('deploy/prometheus/tributary.rules.yml', 'utf8');
    expect(namesIn(rules, /\b(tributary_\w+)/g).filter(name => !told.includes(name))).toEqual([]);
  });
});

describe('a site that stops', () => {
  it('is offered to nobody within three seconds, and the others still play its sample from their buffers', async () => {
    const { id } = await upload(site(1).url, demo.token, readVideo(shortVideo()), { name: 'Survivor' });
    await registered(id);
    process.kill(site(2).pid, 'SIGKILL');
    const killedMs = Date.now();
    await eventually(
      'it is left out',
      async () =>
        !(await play(demo, id, site(2).viewer)).sources.some(source => source.site === site(2).id) ||
        undefined,
      6_000,
    );
    expect(Date.now() - killedMs).toBeLessThan(3_000);
    await demo.restart('site-3');
    await eventually(
      'it is back',
      async () => (await play(demo, id, site(2).viewer)).sources[0]?.site === site(2).id || undefined,
    );
  });
});
