/** A real nginx in front of a site, or instead of its built-in buffer, with the configuration that the command generates. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SiteVideo } from '../../../src/protocol/site.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { getJson } from '../../support/json-requests.ts';
import { generateNginxConfig, startNginx } from '../../support/nginx.ts';
import { COMMAND } from '../../support/programs.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';
import { upload } from '../../support/uploads.ts';

const TOKEN = 'a-token-of-this-test';
let directory: string;
const processes: ChildProcess[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-nginx-'));
  // nginx's worker may run as another user.
  spawnSync('chmod', ['755', directory]);
});
afterEach(async () => {
  for (const child of processes.splice(0)) {
    child.kill('SIGTERM');
    if (child.exitCode === null) await new Promise(done => child.once('exit', done));
  }
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

interface Edge {
  /** The address of nginx, which viewers use. */
  readonly url: string;
  /** The address of the site behind nginx. */
  readonly site: string;
  readonly generated: string;
}

async function startEdge(flags: readonly string[]): Promise<Edge> {
  const [front, port, originPort] = [await freePort(), await freePort(), await freePort()];
  const url = `http://127.0.0.1:${front}`;
  const site = `http://127.0.0.1:${port}`;
  const config = join(directory, 'site.toml');
  await writeFile(
    config,
    `[site]\nname = "Edge"\nlisten = "127.0.0.1:${port}"\nbaseUrl = "${url}"\nsourceAddress = "127.0.0.1:${front}"\ndataDirectory = "${directory}/data"\noperatorToken = "${TOKEN}"\noriginListen = "127.0.0.1:${originPort}"\n`,
  );
  const generated = generateNginxConfig({ config, flags });
  processes.push(spawn(process.execPath, [COMMAND, 'site', '--config', config], { stdio: 'ignore' }));
  await eventually('the site is up', async () => (await fetch(`${site}/readyz`)).ok || undefined);
  processes.push(await startNginx(generated, { directory, dataDirectory: `${directory}/data` }));
  await eventually('nginx is up', async () => (await fetch(`${url}/readyz`)).ok || undefined);
  return { url, site, generated };
}

async function publish(url: string): Promise<{ readonly id: string; readonly base: string }> {
  const { id } = await upload(url, TOKEN, readVideo(shortVideo()), { name: 'Through nginx' });
  const video = await eventually('it is ready', async () => {
    const found = await getJson<SiteVideo>(`${url}/api/videos/${id}`, TOKEN);
    return found.state === 'ready' ? found : undefined;
  });
  return { id, base: `/v/${id}/${video.revision}` };
}

/** The number of requests that the built-in buffer has served. */
async function countAnswered(site: string): Promise<number> {
  const text = await (await fetch(`${site}/metrics`)).text();
  return ['hits', 'misses'].reduce(
    (sum, name) => sum + Number(new RegExp(`^tributary_buffer_${name}_total (\\d+)`, 'm').exec(text)?.[1]),
    0,
  );
}

/** Sends a target that a URL library would change. @returns the response */
async function sendRaw(url: string, target: string, header = 'X: 1'): Promise<string> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${header}\r\nConnection: close\r\n\r\n`);
  return text(socket);
}

const read = async (url: string, init?: RequestInit) => {
  const response = await fetch(url, init);
  return {
    status: response.status,
    headers: response.headers,
    body: Buffer.from(await response.arrayBuffer()),
  };
};

describe.each([
  ['in front of the built-in buffer', []],
  ['instead of the built-in buffer', ['--instead']],
])('nginx %s', (_where, flags) => {
  it('passes uploads, serves media, joins concurrent requests, and drops withdrawn videos', async () => {
    const { url, site } = await startEdge(flags);
    const { id, base } = await publish(url);
    expect((await read(`${url}${base}/multivariant.m3u8`)).body.toString()).toContain('#EXTM3U');
    const segment = `${base}/source-video/0.m4s`;
    const before = await countAnswered(site);
    const viewers = await Promise.all(
      Array.from({ length: 50 }, (_, viewer) => read(`${url}${segment}?CMCD=${viewer}`)),
    );
    const direct = await read(`${site}${segment}`);
    for (const { status, body } of viewers) expect([status, body.equals(direct.body)]).toEqual([200, true]);
    // The fifty requests make one request to the buffer, or none if nginx uses the origin; the direct one adds another.
    expect((await countAnswered(site)) - before).toBe(flags.length > 0 ? 1 : 2);

    const { headers } = viewers[0]!;
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('repr-digest')).toBeNull();
    const part = await read(`${url}${segment}`, { headers: { range: 'bytes=10-19' } });
    expect([part.status, part.body.equals(direct.body.subarray(10, 20))]).toEqual([206, true]);
    const again = await read(`${url}${segment}`, { headers: { 'if-none-match': headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
    // Another site's buffer gets the digest that it needs.
    const fill = await read(`${url}${segment}`, { headers: { 'tributary-fill': 'x' } });
    expect(fill.headers.get('repr-digest')).toMatch(/^sha-256=:/);

    // Requests that must not decide what others get for this address: other spellings, and headers that change the response.
    const playlist = `${base}/source-video/media.m3u8`;
    const spellings = [
      ...[
        playlist.replace('/v/', '/%76/'),
        playlist.replace('media', '%6dedia'),
        playlist.replace('.m3u8', '%2Em3u8'),
      ],
      ...[
        `/${playlist}`,
        playlist.replace('/v/', '/v//'),
        playlist.replace('/v/', '/v/./'),
        `/x/..${playlist}`,
      ],
      ...[
        playlist.replace('/media', '%2fmedia'),
        playlist.replace('/media', '/x/../media'),
        `${playlist}%3fx`,
      ],
      ...[`http://elsewhere.example${playlist.replace('media', '%6dedia')}`, `${playlist}#x`],
    ];
    for (const spelling of spellings) await sendRaw(url, spelling);
    for (const header of [
      'Tributary-Fill:',
      'Tributary-Fill: 0',
      'Accept-Encoding: gzip',
      'Range: bytes=0-0',
    ])
      await sendRaw(url, playlist, header);
    const first = await read(`${url}${playlist}`, { headers: { 'accept-encoding': 'identity' } });
    expect(first.body.toString()).toMatch(/^#EXTM3U/);
    for (const name of ['content-encoding', 'repr-digest']) expect(first.headers.get(name)).toBeNull();

    const unknown = await read(`${url}${base}/source-video/9999.m4s`);
    expect([unknown.status, JSON.parse(unknown.body.toString()).code]).toEqual([404, 'file-unknown']);
    expect(unknown.headers.get('access-control-allow-origin')).toBe('*');
    expect((await read(`${url}${segment}`, { method: 'POST' })).status).toBe(405);
    expect((await read(`${url}${segment}`, { method: 'OPTIONS' })).status).toBe(204);

    const withdrawal = await read(`${url}/api/videos/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(withdrawal.status).toBeLessThan(300);
    await sleep(1_100);
    await eventually(
      'nginx drops it too',
      async () => (await read(`${url}${segment}`)).status === 410 || undefined,
      5_000,
    );
  });
});

describe.each([
  ['in front of the built-in buffer', []],
  ['instead of the built-in buffer', ['--instead']],
])('nginx %s, and a private video', (_where, flags) => {
  it('passes requests with a token, caches none of them, and refuses all others, also after the video was public', async () => {
    const { url, site, generated } = await startEdge(flags);
    expect(generated).toMatch(/location \/t\/ \{\s+access_log off;/);
    const { id, base } = await publish(url);
    const segment = `${base}/source-video/0.m4s`;
    const open = await read(`${url}${segment}`);
    expect(open.status).toBe(200);
    const edit = (visibility: string) =>
      read(`${url}/api/videos/${id}`, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify({ visibility }),
      });
    const { token = '' } = JSON.parse((await edit('private')).body.toString()) as SiteVideo;
    await sleep(1_100);
    await eventually(
      'nginx serves its cached public files no more',
      async () => (await read(`${url}${segment}`)).status === 404 || undefined,
      5_000,
    );
    for (const headers of [
      {},
      { 'if-none-match': open.headers.get('etag') ?? '' },
      { 'tributary-fill': 'x' },
    ])
      expect((await read(`${url}${segment}`, { headers: headers as Record<string, string> })).status).toBe(
        404,
      );
    const before = await countAnswered(site);
    for (let viewer = 0; viewer < 3; viewer++) {
      const { status, headers, body } = await read(`${url}/t/${token}${segment}`);
      expect([status, body.equals(open.body)]).toEqual([200, true]);
      expect(headers.get('cache-control')).toBe('private, max-age=60');
      expect(headers.get('access-control-allow-origin')).toBe('*');
    }
    // Each request reached the site, so a revoked token is refused behind nginx too.
    expect((await countAnswered(site)) - before).toBe(3);
    const forged = await read(`${url}/t/${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}${segment}`);
    expect([forged.status, JSON.parse(forged.body.toString()).code]).toEqual([403, 'token-invalid']);
    const part = await read(`${url}/t/${token}${segment}`, { headers: { range: 'bytes=10-19' } });
    expect([part.status, part.body.equals(open.body.subarray(10, 20))]).toEqual([206, true]);
    await edit('public');
    await eventually(
      'it is public again',
      async () => (await read(`${url}${segment}`)).status === 200 || undefined,
      5_000,
    );
  });
});

describe('tributary nginx-config', () => {
  const generate = async (settings: string, ...flags: readonly string[]) => {
    const config = join(directory, 'site.toml');
    await writeFile(
      config,
      `[site]\nname = "X"\nbaseUrl = "https://x.example.edu"\nsourceAddress = "192.0.2.7:443"\ndataDirectory = "${directory}/data"\noperatorToken = "${TOKEN}"\n${settings}`,
    );
    return spawnSync(process.execPath, [COMMAND, 'nginx-config', '--config', config, ...flags], {
      encoding: 'utf8',
    });
  };

  it('caches nothing if the uplink has a budget, and explains why nginx cannot replace the buffer', async () => {
    const front = await generate('uplink = "20 Mbit/s"');
    expect([front.status, front.stdout.includes('proxy_cache ')]).toEqual([0, false]);
    const instead = await generate('uplink = "20 Mbit/s"\noriginListen = "127.0.0.1:8091"', '--instead');
    expect([instead.status, instead.stderr]).toEqual([
      2,
      expect.stringContaining('uplink is enforced by the built-in'),
    ]);
    const anyPort = await generate('', '--instead');
    expect([anyPort.status, anyPort.stderr]).toEqual([2, expect.stringContaining('originListen has port 0')]);
  });
});
