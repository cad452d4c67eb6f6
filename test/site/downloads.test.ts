/** Downloads through a real buffer from a real origin: the source unchanged, and renditions as progressive files. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { open, readFile, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOrMakeKey } from '../../src/kernel/identity/keys.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { newRevisionId, newVideoId, type VideoId } from '../../src/protocol/base/ids.ts';
import type { Downloads } from '../../src/site/database/downloads.ts';
import { createEgress, createStreamBuffer, type StreamBuffer } from '../../src/site/delivery/delivery.ts';
import { createOriginServer, type OriginServer } from '../../src/site/media/cut/cut.ts';
import { prepareSource } from '../../src/site/media/index/source-index.ts';
import { decode, readPackets } from '../media/packets.ts';
import { hasEncoder, makeVideo, requireFfmpeg } from '../media/video-cache.ts';
import { recipes } from '../media/videos.ts';
import { chromiumPath, launchBrowser } from '../support/browser.ts';
import { makeTemporaryDirectory, removeDirectory } from '../support/temporary-directory.ts';

const run = promisify(execFile);
const revision = newRevisionId();
const NAMES = [
  'mp4',
  'lateSound',
  'twoLanguages',
  'anamorphic',
  'mkvNtsc',
  'webm',
  'soundOnly',
  'hevc',
  'av1',
] as const;
type Name = (typeof NAMES)[number];
const videos = new Map<VideoId, { readonly path: string; readonly index: string; downloads: Downloads }>();
const ids = new Map<Name, VideoId>();
let directory: string;
let origin: OriginServer;
const buffers: { readonly buffer: StreamBuffer; readonly server: http.Server; readonly url: string }[] = [];

const isMade = (name: Name): boolean =>
  (name !== 'hevc' || hasEncoder('libx265')) && (name !== 'av1' || hasEncoder('libsvtav1'));

beforeAll(async () => {
  directory = await makeTemporaryDirectory('downloads');
  const key = await readOrMakeKey(join(directory, 'key'));
  for (const name of NAMES.filter(isMade)) {
    const path = await makeVideo(recipes[name]);
    const id = newVideoId();
    const index = join(directory, `${name}.index`);
    const { container } = await prepareSource(path, index);
    const { size } = await stat(path);
    const sha256 = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    videos.set(id, {
      path,
      index,
      downloads: { mode: 'renditions', source: { sizeBytes: size, sha256, container } },
    });
    ids.set(name, id);
  }
  origin = createOriginServer({
    key: () => key,
    locate: async id => {
      const video = videos.get(id);
      return (
        video && {
          directory: dirname(video.path),
          indexes: [video.index],
          open: name => open(name === 'source' ? video.path : resolve(dirname(video.path), name), 'r'),
        }
      );
    },
    downloads: async id => videos.get(id)?.downloads,
    onError: error => expect.fail(String(error)),
  });
  origin.server.listen(0, '127.0.0.1');
  await once(origin.server, 'listening');
  const { port } = origin.server.address() as AddressInfo;
  for (const limits of [{}, { linkBps: 4_000_000 }]) {
    const buffer = await createStreamBuffer({
      siteId: () => undefined,
      directory: join(directory, `buffer-${buffers.length}`),
      memoryBytes: 2 ** 20,
      diskBytes: 2 ** 20,
      origin: { url: `http://127.0.0.1:${port}` },
      trackerUrl: () => undefined,
      egress: createEgress(limits, undefined),
      log: silentLog,
    });
    const server = http.createServer((request, response) => buffer.handle(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    buffers.push({ buffer, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  }
});
afterAll(async () => {
  for (const { buffer, server } of buffers) {
    server.closeAllConnections();
    server.close();
    await buffer.stop();
  }
  await origin.stop();
  await removeDirectory(directory);
});

const addressOf = (name: Name, file: string, at = 0): string =>
  `${buffers[at]?.url}/v/${ids.get(name)}/${revision}/${file}`;
const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const get = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers });
  return { response, body: Buffer.from(await response.arrayBuffer()) };
};
/** The hash of every decoded frame. */
const frames = async (input: string): Promise<readonly string[]> => {
  const args = ['-v', 'error', '-i', input, '-map', '0:v', '-fps_mode', 'passthrough', '-f', 'framemd5', '-'];
  const { stdout } = await run(requireFfmpeg(), args, { maxBuffer: 2 ** 26 });
  return stdout
    .split('\n')
    .filter(line => line && !line.startsWith('#'))
    .map(line => line.split(',').at(-1)?.trim() ?? '');
};

describe('a rendition as a progressive file', () => {
  it.each(NAMES)('of %s has the frames of the HLS rendition, in place', async name => {
    if (!isMade(name)) return;
    const audioOnly = name === 'soundOnly';
    const file = audioOnly ? 'source-audio/download.m4a' : 'source-video/download.mp4';
    const url = addressOf(name, file);
    const { body, response } = await get(`${url}?name=Lecture`);
    expect(response.status).toBe(200);
    expect(Number(response.headers.get('content-length'))).toBe(body.length);
    expect(response.headers.get('content-type')).toBe(audioOnly ? 'audio/mp4' : 'video/mp4');
    const path = join(directory, `${name}.mp4`);
    await writeFile(path, body);
    expect(await decode(path)).toBe('');
    const hls = addressOf(name, 'multivariant.m3u8');
    const served = await readPackets(hls);
    const downloaded = await readPackets(path);
    expect(downloaded.map(({ kind }) => kind)).toEqual(served.map(({ kind }) => kind));
    for (const [at, { packets, tick }] of downloaded.entries()) {
      const theirs = served[at]?.packets ?? [];
      expect(packets.map(({ md5 }) => md5)).toEqual(theirs.map(({ md5 }) => md5));
      const shift = (served[0]?.packets[0]?.pts ?? 0) - (downloaded[0]?.packets[0]?.pts ?? 0);
      for (const [n, { pts }] of packets.entries())
        expect(Math.abs(pts + shift - (theirs[n]?.pts ?? Number.NaN))).toBeLessThan(0.002 + tick);
    }
    if (name === 'mp4') expect(await frames(path)).toEqual(await frames(hls));
  });
});

describe('the source', () => {
  const allowSource = (name: Name): void => {
    const video = videos.get(ids.get(name) as VideoId);
    if (video) video.downloads = { ...video.downloads, mode: 'source' };
  };

  it('is the uploaded file, also with curl -C - after the connection broke and from another site', async () => {
    allowSource('mkvNtsc');
    const original = await readFile(await makeVideo(recipes.mkvNtsc));
    // A proxy that breaks the first connection after some bytes.
    let left = 50_000;
    const { port } = new URL(buffers[0]?.url ?? '');
    const proxy = createServer(client => {
      const upstream = connect(Number(port), '127.0.0.1');
      client.pipe(upstream);
      upstream.on('data', bytes => {
        client.write(bytes.subarray(0, Math.max(0, left)));
        left -= bytes.length;
        if (left <= 0) client.end(() => client.destroy());
      });
      for (const socket of [client, upstream]) socket.on('error', () => {});
      client.on('close', () => upstream.destroy());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const output = join(directory, 'resumed.mkv');
    const address = addressOf('mkvNtsc', 'source/download');
    const curl = (url: string) => run('curl', ['-sS', '-C', '-', '-o', output, url]);
    const broken = address.replace(port, String((proxy.address() as AddressInfo).port));
    await expect(curl(broken)).rejects.toThrow();
    proxy.close();
    expect((await stat(output)).size).toBeLessThan(original.length);
    await curl(addressOf('mkvNtsc', 'source/download', 1));
    expect(sha256(await readFile(output))).toBe(sha256(original));
  });

  it('has single ranges, validators, and a file name that is safe on every system', async () => {
    allowSource('mkvNtsc');
    const original = await readFile(await makeVideo(recipes.mkvNtsc));
    const url = addressOf('mkvNtsc', 'source/download');
    const head = await fetch(`${url}?name=${encodeURIComponent('量子 "力学"/..\\CON\u202egpj')}`, {
      method: 'HEAD',
    });
    expect(head.status).toBe(200);
    expect(head.headers.get('content-length')).toBe(String(original.length));
    expect(head.headers.get('content-type')).toBe('video/x-matroska');
    expect(head.headers.get('content-disposition')).toBe(
      `attachment; filename="__ __ .. CON gpj.mkv"; filename*=UTF-8''${encodeURIComponent('量子 力学 .. CON gpj.mkv')}`,
    );
    const etag = head.headers.get('etag') ?? '';
    expect(etag).toBe(`"sha256-${sha256(original)}"`);
    const part = await get(url, { range: 'bytes=1000-1999', 'if-range': etag });
    expect([part.response.status, part.response.headers.get('content-range')]).toEqual([
      206,
      `bytes 1000-1999/${original.length}`,
    ]);
    expect(part.body).toEqual(original.subarray(1_000, 2_000));
    expect((await get(url, { range: 'bytes=-10' })).body).toEqual(original.subarray(-10));
    expect((await get(url, { range: 'bytes=5-9', 'if-range': '"other"' })).response.status).toBe(200);
    expect((await get(url, { range: `bytes=${original.length}-` })).response.status).toBe(416);
    expect((await get(url, { 'if-none-match': etag })).response.status).toBe(304);
  });

  it('is refused unless the author allows it, as is a rendition', async () => {
    allowSource('webm');
    const refused = await get(addressOf('webm', 'source-video/download.mp4'));
    expect(refused.response.status).toBe(403);
    expect(JSON.parse(refused.body.toString())).toMatchObject({ code: 'download-not-allowed' });
    for (const file of ['source/download', 'source/0.bin', 'source/download.bin'])
      expect((await get(addressOf('mp4', file))).response.status, file).toBe(403);
    for (const file of ['nothing/download.mp4', 'source-video/download.exe'])
      expect((await get(addressOf('mp4', file))).response.status, file).toBe(404);
  });
});

describe('a download and the uplink', () => {
  it('waits while playback needs the uplink', async () => {
    const limited = buffers[1];
    const url = addressOf('mp4', 'source-video/download.mp4', 1);
    const plain = await get(addressOf('mp4', 'source-video/download.mp4'));
    const started = performance.now();
    const downloading = get(url).then(({ body }) => ({ body, ms: performance.now() - started }));
    await sleep(50);
    const segment = await get(addressOf('mp4', 'source-video/1.m4s', 1));
    const segmentMs = performance.now() - started;
    expect(segment.response.status).toBe(200);
    const { body, ms } = await downloading;
    expect(sha256(body)).toBe(sha256(plain.body));
    expect(segmentMs).toBeLessThan(ms);
    expect(limited?.buffer.stats().egress.viewers).toBeGreaterThan(body.length);
  });

  it.runIf(chromiumPath)('plays in Chromium with seeking', async () => {
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(`${buffers[0]?.url}/healthz`);
      const url = addressOf('mp4', 'source-video/download.mp4');
      const seen: readonly number[] = await page.evaluate(`(async () => {
        const video = document.createElement('video');
        document.body.append(video);
        video.muted = true;
        video.src = ${JSON.stringify(url)};
        const until = name => new Promise(done => video.addEventListener(name, done, { once: true }));
        await until('loadeddata');
        video.currentTime = 10.5;
        await until('seeked');
        await video.play();
        await until('ended');
        return [video.duration, video.currentTime, video.videoWidth];
      })()`);
      expect(seen[0]).toBeCloseTo(12, 1);
      expect(seen[1]).toBeCloseTo(12, 1);
      expect(seen[2]).toBe(320);
    } finally {
      await browser.close();
    }
  });
});
