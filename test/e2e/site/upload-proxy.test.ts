/** Uploads in a real browser through a real nginx that limits the size of requests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/free-port.ts';
import { getJson } from '../../support/json-requests.ts';
import { runProgram } from '../../support/programs.ts';
import { SITE_TOKEN, type SingleSite, startSingleSite } from '../../support/single-site.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../support/temporary-directory.ts';

const MB = 2 ** 20;
const hasPrograms = chromiumPath !== undefined && runProgram('nginx', ['-v']).status === 0;

let browser: Browser;
let directory: string;
let site: SingleSite | undefined;
let nginx: ChildProcess | undefined;
beforeAll(async () => {
  if (hasPrograms) browser = await launchBrowser();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  directory = await makeTemporaryDirectory('upload-proxy');
});
afterEach(async () => {
  nginx?.kill('SIGTERM');
  await site?.stop();
  await removeDirectory(directory);
});

/** @returns the address of nginx */
async function startBehindProxy(limit: string, settings = ''): Promise<string> {
  const [front, port] = [await freePort(), await freePort()];
  site = await startSingleSite(directory, {
    port,
    settings: `hosts = ["127.0.0.1:${front}"]\n${settings}`,
  });
  await mkdir(join(directory, 'nginx'));
  const config = join(directory, 'nginx.conf');
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map(kind => `${kind}_temp_path ${directory}/nginx/${kind};`)
    .join(' ');
  await writeFile(
    config,
    `daemon off; user root; pid ${directory}/nginx.pid; error_log ${directory}/error.log; events {}
     http { access_log off; ${paths} client_max_body_size ${limit};
     server { listen 127.0.0.1:${front}; location / { proxy_pass http://127.0.0.1:${port}; proxy_set_header Host $http_host; } } }`,
  );
  nginx = spawn('nginx', ['-p', directory, '-c', config], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${front}`;
  await eventually('nginx is up', async () => (await fetch(`${url}/readyz`)).ok || undefined);
  return url;
}

/** Uploads a file of `bytes` in the studio. */
async function uploadInStudio(url: string, bytes: number) {
  const page = await browser.newPage();
  const sizes: number[] = [];
  page.on('response', response => {
    if (response.request().method() !== 'PATCH') return;
    sizes.push(response.status());
  });
  await page.goto(`${url}/#token=${SITE_TOKEN}`);
  await page.setInputFiles('#file', {
    name: 'lecture.mp4',
    mimeType: 'video/mp4',
    buffer: Buffer.alloc(bytes, 1),
  });
  return { page, statuses: sizes };
}

const untilReceived = (url: string): Promise<unknown> =>
  eventually('the site has the file', async () => {
    const { videos } = await getJson<{ videos: { state: string }[] }>(`${url}/api/videos`, SITE_TOKEN);
    return videos[0] !== undefined && videos[0].state !== 'uploading';
  });

describe.skipIf(!hasPrograms)('a proxy that limits the size of requests', () => {
  it('gets smaller requests after a 413, and the page says why', async () => {
    const url = await startBehindProxy('2m');
    const { page, statuses } = await uploadInStudio(url, 3 * MB);
    await page.getByTestId('proxy-limit').waitFor();
    expect(await page.getByTestId('proxy-limit').textContent()).toMatch(/A proxy .* 3(\.\d)? MB \(413\)/);
    await untilReceived(url);
    // The browser may see the last response later than the site has the file.
    await eventually('all responses', () => statuses.filter(status => status === 204).length === 4);
    expect(statuses.filter(status => status === 413)).toHaveLength(1);
    await page.close();
  });

  it('gets requests of the size in the settings from the start', async () => {
    const url = await startBehindProxy('2m', 'chunkSize = "1 MiB"\n');
    const { page, statuses } = await uploadInStudio(url, 3 * MB);
    await untilReceived(url);
    await eventually('all responses', () => statuses.length === 3);
    expect(statuses).toEqual([204, 204, 204]);
    await page.close();
  });

  it('that refuses even small requests is named in the error', async () => {
    const url = await startBehindProxy('200k');
    const { page } = await uploadInStudio(url, 3 * MB);
    const row = page.locator('[data-testid=upload][data-state=interrupted]');
    await row.waitFor();
    expect(await row.textContent()).toContain('client_max_body_size');
    await page.close();
  });
});
