/** A site without central, and a site without disk space. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, statfs, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SiteInfo, SiteVideo } from '../../../src/protocol/site.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { getJson } from '../../support/json-requests.ts';
import { COMMAND } from '../../support/programs.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';
import { announceUpload, createUpload, patchUpload, upload, videoIdOf } from '../../support/uploads.ts';

const TOKEN = 'a-token-of-this-test';
let directory: string;
let site: ChildProcess;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-single-site-'));
});
afterEach(async () => {
  site.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

async function startSite(settings = ''): Promise<string> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(directory, 'site.toml');
  await writeFile(
    config,
    `[site]\nname = "Single"\nlisten = "127.0.0.1:${port}"\nbaseUrl = "${url}"\nsourceAddress = "127.0.0.1:${port}"\ndataDirectory = "${directory}/data"\noperatorToken = "${TOKEN}"\n${settings}`,
  );
  site = spawn(process.execPath, [COMMAND, 'site', '--config', config], { stdio: 'ignore' });
  await eventually('the site is up', async () => (await fetch(`${url}/readyz`)).ok || undefined);
  return url;
}

describe('a site without central', () => {
  it('accepts and plays an upload, and keeps its record for later', async () => {
    const url = await startSite();
    const body = readVideo(shortVideo());
    const { id } = await upload(url, TOKEN, body, { name: 'Offline' });
    const video = await eventually('it is ready', async () => {
      const found = await getJson<SiteVideo>(`${url}/api/videos/${id}`, TOKEN);
      return found.state === 'ready' ? found : undefined;
    });
    expect(video).toMatchObject({ signalSent: false, published: false });
    expect((await fetch(`${url}/v/${id}/${video.revision}/source-audio/0.m4s`)).status).toBe(200);
    const info = await getJson<SiteInfo>(`${url}/api/site`);
    expect(info).toMatchObject({ joined: false, signal: 'not-sent', unpublished: 1, tokenNeeded: true });
    expect((await fetch(`${url}/api/videos`)).status).toBe(401);
    expect((await fetch(`${url}/gateway/records`)).status).toBe(503);

    const restarted = site;
    restarted.kill('SIGTERM');
    await new Promise(done => restarted.once('exit', done));
    expect(restarted.exitCode).toBe(0);
  });

  it('forgets a withdrawn video and deletes its bytes', async () => {
    const url = await startSite();
    const { id } = await upload(url, TOKEN, readVideo(shortVideo()), { name: 'Mistake' });
    const headers = { authorization: `Bearer ${TOKEN}` };
    const { revision } = await eventually('it is ready', async () => {
      const found = await getJson<SiteVideo>(`${url}/api/videos/${id}`, TOKEN);
      return found.state === 'ready' ? found : undefined;
    });
    await fetch(`${url}/v/${id}/${revision}/source-video/0.m4s`);
    expect((await fetch(`${url}/api/videos/${id}`, { method: 'DELETE', headers })).status).toBe(204);
    expect((await fetch(`${url}/v/${id}/${revision}/source-video/0.m4s`)).status).toBe(410);
    expect(existsSync(join(directory, 'data', 'videos', id))).toBe(false);
    expect(await readdir(join(directory, 'data', 'uploads'))).toEqual([]);
    site.kill('SIGKILL');
    await new Promise(done => site.once('exit', done));
    const again = await startSite();
    expect((await fetch(`${again}/v/${id}/${revision}/source-video/0.m4s`)).status).toBe(410);
    const edit = {
      method: 'PATCH',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{"name":"Back"}',
    };
    expect((await fetch(`${again}/api/videos/${id}`, edit)).status).toBe(410);
  });
});

describe('a site without space', () => {
  it('refuses an upload before it receives a byte, and keeps running', async () => {
    const url = await startSite('keepFree = "1000 TB"\n');
    const error = await upload(url, TOKEN, readVideo(shortVideo()), { name: 'Too much' }).catch(String);
    expect(error).toContain('507');
    expect(error).toContain('not enough space');
    expect((await getJson<{ videos: SiteVideo[] }>(`${url}/api/videos`, TOKEN)).videos).toEqual([]);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it('counts the space of uploads that are arriving, and not of those that were announced or abandoned', async () => {
    const { bavail, bsize } = await statfs(directory);
    // There is space for one of the two uploads, however large the disk is.
    const keepFreeMb = Math.floor((bavail * bsize) / 2 ** 20) - 3 * 1_024;
    const url = await startSite(`keepFree = "${keepFreeMb} MiB"\n`);
    const most = 2 * 2 ** 30;
    // An upload that was only announced reserves nothing.
    const [first = '', second = '', ...others] = await Promise.all(
      Array.from({ length: 5 }, () => createUpload(url, TOKEN, most, 'Announced')),
    );
    expect(others).toHaveLength(3);
    expect((await patchUpload(first, TOKEN, 0, Buffer.alloc(1))).status).toBe(204);
    expect((await announceUpload(url, TOKEN, most)).status).toBe(507);
    const refused = await patchUpload(second, TOKEN, 0, Buffer.alloc(1));
    expect(refused.status).toBe(507);
    expect(await refused.json()).toMatchObject({ code: 'disk-full' });
    // An hour after its last byte, the first upload has lost its reservation.
    const anHourAgo = new Date(Date.now() - 3_601_000);
    await utimes(join(directory, 'data', 'uploads', videoIdOf(first)), anHourAgo, anHourAgo);
    expect((await patchUpload(second, TOKEN, 0, Buffer.alloc(1))).status).toBe(204);
    // It cannot continue while another upload has reserved the space, and continues after that.
    expect((await patchUpload(first, TOKEN, 1, Buffer.alloc(1))).status).toBe(507);
    await fetch(second, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${TOKEN}`, 'tus-resumable': '1.0.0' },
    });
    expect((await patchUpload(first, TOKEN, 1, Buffer.alloc(1))).status).toBe(204);
  });
});

describe('an upload that violates tus 1.0.0', () => {
  it('is refused with a problem that says what to do, and can continue correctly', async () => {
    const url = await startSite('');
    const send = (method: string, path: string, headers: Record<string, string>, body?: string) =>
      fetch(new URL(path, url), {
        method,
        headers: { authorization: `Bearer ${TOKEN}`, ...headers },
        ...(body === undefined ? {} : { body }),
      });
    const tus = { 'tus-resumable': '1.0.0' };
    const made = await announceUpload(url, TOKEN, 10);
    const at = made.headers.get('location') ?? '';
    const bytes = { ...tus, 'content-type': 'application/offset+octet-stream' };
    const refusals: readonly [number, string, Promise<Response>][] = [
      [412, 'tus-version-unsupported', send('POST', '/api/uploads', { 'upload-length': '10' })],
      [412, 'tus-version-unsupported', send('PATCH', at, { ...bytes, 'tus-resumable': '0.2.2' }, 'x')],
      [415, 'upload-type-wrong', send('PATCH', at, { ...tus, 'upload-offset': '0' }, 'x')],
      [400, 'upload-offset-needed', send('PATCH', at, bytes, 'x')],
      [409, 'upload-offset-conflict', send('PATCH', at, { ...bytes, 'upload-offset': '3' }, 'x')],
      [413, 'upload-too-large', send('PATCH', at, { ...bytes, 'upload-offset': '0' }, 'more than ten bytes')],
      [404, 'upload-unknown', send('PATCH', `${at}0`, { ...bytes, 'upload-offset': '0' }, 'x')],
    ];
    for (const [status, code, answer] of refusals) {
      const response = await answer;
      expect(await response.json(), code).toMatchObject({ status, code });
      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(response.headers.get('tus-version')).toBe(status === 412 ? '1.0.0' : null);
    }
    const last = await send('PATCH', at, { ...bytes, 'upload-offset': '0' }, 'ten bytes!');
    expect(last.status).toBe(204);
    expect(last.headers.get('upload-offset')).toBe('10');
  });
});
