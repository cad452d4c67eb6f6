import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeVideo } from '../../../../test/media/video-cache.ts';
import { recipes } from '../../../../test/media/videos.ts';
import { type KeyPair, readOrMakeKey } from '../../../kernel/identity/keys.ts';
import { newRevisionId, newVideoId } from '../../../protocol/base/ids.ts';
import { prepareSource } from '../index/source-index.ts';
import { OpenPresentations } from './open-presentations.ts';
import { createOriginServer, type OriginServer } from './origin-server.ts';

const video = newVideoId();
const withdrawn = newVideoId();
const broken = newVideoId();
const throwing = newVideoId();
const revision = newRevisionId();
let directory: string;
let sourcePath: string;
let indexPath: string;
let origin: OriginServer;
let key: KeyPair;
let base: string;
const errors: unknown[] = [];
/** What a response waits for. */
let delay: Promise<void> | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-server-'));
  sourcePath = await makeVideo(recipes.mp4);
  indexPath = join(directory, 'source.index');
  await prepareSource(sourcePath, indexPath);
  await writeFile(join(directory, 'broken.index'), 'TRIBIDX1 without a header');
  key = await readOrMakeKey(join(directory, 'key'));
  origin = createOriginServer({
    key: () => key,
    openFiles: 2,
    onError: error => errors.push(error),
    locate: async id => {
      if (id === throwing) throw new Error('the database is unavailable');
      if (id === withdrawn) return 'withdrawn';
      if (id === broken) return { directory, indexes: ['broken.index'] };
      await delay;
      return id === video ? { directory: dirname(sourcePath), indexes: [indexPath] } : undefined;
    },
  });
  origin.server.listen(0, '127.0.0.1');
  await once(origin.server, 'listening');
  base = `http://127.0.0.1:${(origin.server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await origin.stop();
  await rm(directory, { recursive: true, force: true });
});

describe('the origin server', () => {
  it.each([
    ['multivariant.m3u8', 'application/vnd.apple.mpegurl'],
    ['source-audio/media.m3u8', 'application/vnd.apple.mpegurl'],
    ['source-video/init.mp4', 'video/mp4'],
    ['source-video/0.m4s', 'video/mp4'],
    ['source-audio/0.m4s?x=1', 'audio/mp4'],
  ])('serves %s', async (file, contentType) => {
    const response = await fetch(`${base}/v/${video}/${revision}/${file}`);
    const body = Buffer.from(await response.arrayBuffer());
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(contentType);
    expect(response.headers.get('content-length')).toBe(String(body.length));
    expect(response.headers.get('etag')).toMatch(/^"[^"]+"$/);
    const head = await fetch(`${base}/v/${video}/${revision}/${file}`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(body.length));
    expect(head.headers.get('etag')).toBe(response.headers.get('etag'));
    expect((await head.arrayBuffer()).byteLength).toBe(0);
  });

  it.each([
    ['GET', `/v/${newVideoId()}/${revision}/multivariant.m3u8`, 404, 'video-unknown'],
    ['GET', `/v/${video}/${revision}/source-video/3.m4s`, 404, 'file-unknown'],
    ['GET', `/v/${video}/${revision}/`, 404, 'file-unknown'],
    ['GET', `/v/${video}/${revision}`, 404, 'file-unknown'],
    ['GET', `/v/${video.toUpperCase()}/${revision}/multivariant.m3u8`, 404, 'file-unknown'],
    ['GET', `/v/../../etc/passwd`, 404, 'file-unknown'],
    ['GET', `/v/${video}/${revision}/..%2f..%2fsource.index`, 404, 'file-unknown'],
    ['GET', `/v/${video}/${revision}/${'a/'.repeat(1_000)}`, 404, 'file-unknown'],
    ['GET', '/', 404, 'file-unknown'],
    ['GET', `/v/${withdrawn}/${revision}/multivariant.m3u8`, 410, 'video-withdrawn'],
    ['POST', `/v/${video}/${revision}/multivariant.m3u8`, 405, 'method-not-allowed'],
    ['GET', `/v/${broken}/${revision}/multivariant.m3u8`, 500, 'cut-failed'],
    ['GET', `/v/${throwing}/${revision}/multivariant.m3u8`, 500, 'cut-failed'],
  ])('%s %s → %i %s', async (method, path, status, code) => {
    const { hostname, port } = new URL(base);
    // fetch would normalize the path.
    const request = http.request({ hostname, port, method, path });
    request.end();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    expect(response.statusCode).toBe(status);
    expect(response.headers['content-type']).toBe('application/problem+json');
    const problem: unknown = JSON.parse(Buffer.concat(chunks).toString());
    expect(problem).toMatchObject({
      status,
      code,
      title: expect.any(String),
      detail: expect.stringMatching(/\.$/),
    });
    if (status === 405) expect(response.headers.allow).toBe('GET, HEAD');
  });

  it('reports errors', () => {
    expect(errors.length).toBeGreaterThanOrEqual(2);
  });

  it('closes no file that a response is made from', async () => {
    const open = new OpenPresentations(1);
    const files = { directory: dirname(sourcePath), indexes: [indexPath] };
    const results = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        // The keys differ, so each use evicts another presentation.
        const file = await open.use(`video/${i % 6}`, files, async presentation => {
          if (i % 7 === 0) await open.forget();
          return presentation.file(`source-video/${i % 3}.m4s`);
        });
        return file?.body.length ?? 0;
      }),
    );
    expect(results.every(length => length > 0)).toBe(true);
    await open.forget();
  });

  it('stops after its pending responses, whatever connections clients have opened in advance', async () => {
    const { hostname, port } = new URL(base);
    const unused = connect(Number(port), hostname);
    await once(unused, 'connect');
    const ended = once(unused, 'close');
    unused.resume();
    let proceed = () => {};
    delay = new Promise(resolve => {
      proceed = resolve;
    });
    const received = once(origin.server, 'request');
    const response = fetch(`${base}/v/${video}/${revision}/source-video/0.m4s`);
    await received;
    let hasStopped = false;
    const stopped = origin.stop().then(() => {
      hasStopped = true;
    });
    await expect(fetch(base)).rejects.toThrow();
    expect(hasStopped).toBe(false);
    proceed();
    expect((await (await response).arrayBuffer()).byteLength).toBeGreaterThan(1_000);
    await Promise.all([stopped, ended]);
  });
});
