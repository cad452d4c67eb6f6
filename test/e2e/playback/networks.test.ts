/**
 * The real system across a network with delays and rates: central, a tracker, three sites, and a viewer with a real browser, in
 * separate network namespaces. `best-network` finds the best site, and the new best site when the network changes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeVideoSync } from '../../media/video-cache.ts';
import { chromiumPath } from '../../support/browser.ts';
import { findVideo } from '../../support/demo.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
import { COMMAND } from '../../support/programs.ts';
import { upload } from '../../support/uploads.ts';
import { missingForWan, startWan, type Wan } from '../../wan/wan.ts';

const missing = missingForWan() ?? (chromiumPath ? undefined : 'there is no Chromium');
if (missing) console.log(`The test of changing networks is skipped: ${missing}.`);

const TOKEN = 'an-operator-token-for-tests';
const PORT = 18_080;
const CITIES = ['red', 'green', 'blue'] as const;

describe.skipIf(missing !== undefined)('a viewer among changing networks', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tributary-networks-'));
  const parts: ChildProcess[] = [];
  let wan: Wan;
  const addressOf = (host: string): string => wan.hosts.get(host)?.address ?? '';
  const centralUrl = (): string => `http://${addressOf('centre')}:${PORT}`;
  const trackerUrl = (): string => `http://${addressOf('centre')}:${PORT + 1}`;
  const siteUrl = (city: string): string => `http://${addressOf(city)}:${PORT}`;

  function start(host: string, part: string, settings: string): void {
    const config = join(directory, `${host}-${part}.toml`);
    writeFileSync(
      config,
      `[${part}]\noperatorToken = "${TOKEN}"\ndataDirectory = "${join(directory, `${host}-${part}`)}"\n${settings}`,
    );
    const [program = '', ...args] = [
      ...(wan.hosts.get(host)?.inside ?? []),
      process.execPath,
      COMMAND,
      part,
      '--config',
      config,
    ];
    parts.push(spawn(program, args, { stdio: 'ignore' }));
  }
  const post = async <T>(path: string, body: object): Promise<T> => {
    const response = await fetch(`${centralUrl()}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return (await response.json()) as T;
  };
  const isReady = (url: string) =>
    eventually(`${url} is ready`, async () => (await fetch(`${url}/readyz`)).ok || undefined, 30_000);

  let video = '';
  beforeAll(async () => {
    wan = await startWan(['centre', ...CITIES, 'viewer']);
    start('centre', 'central', `listen = "0.0.0.0:${PORT}"\nbaseUrl = "${centralUrl()}"\n`);
    await isReady(centralUrl());
    const tracker = await post<{ joinToken: string }>('/api/trackers', { name: 'T', baseUrl: trackerUrl() });
    start(
      'centre',
      'tracker',
      `listen = "0.0.0.0:${PORT + 1}"\nbaseUrl = "${trackerUrl()}"\ncentral = "${centralUrl()}"\npolicy = "best-network"\njoinToken = "${tracker.joinToken}"\n`,
    );
    for (const city of CITIES) {
      const { joinToken } = await post<{ joinToken: string }>('/api/sites', {
        name: city,
        baseUrl: siteUrl(city),
      });
      start(
        city,
        'site',
        `name = "${city}"\nlisten = "0.0.0.0:${PORT}"\nbaseUrl = "${siteUrl(city)}"\nsourceAddress = "${addressOf(city)}:${PORT}"\ncentral = "${centralUrl()}"\njoinToken = "${joinToken}"\nsignalInterval = "1 s"\n`,
      );
    }
    await Promise.all([isReady(trackerUrl()), ...CITIES.map(city => isReady(siteUrl(city)))]);
    const path = makeVideoSync('networks.mp4', [
      ...['-f', 'lavfi', '-i', 'testsrc2=size=480x270:rate=25:duration=150'],
      ...['-vf', 'noise=alls=40:allf=t', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'],
      ...['-g', '50', '-b:v', '1500k', '-maxrate', '1500k', '-bufsize', '1500k', '-movflags', '+faststart'],
    ]);
    const { id } = await upload(siteUrl('red'), TOKEN, readFileSync(path), {
      name: 'Networks',
      filename: 'n.mp4',
    });
    video = id;
    const demo = { central: centralUrl() } as Parameters<typeof findVideo>[0];
    await eventually(
      'registered',
      async () => (await findVideo(demo, id)).state === 'registered' || undefined,
      30_000,
    );
    await eventually('all sites up', async () => {
      const { sites } = await getJson<{ sites: { up: boolean }[] }>(`${trackerUrl()}/status`);
      return (sites.length === 3 && sites.every(({ up }) => up)) || undefined;
    });
  });
  afterAll(async () => {
    for (const part of parts) part.kill('SIGKILL');
    await wan?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test('best-network finds the best site within 3 segments, and the new best within 30 s', async () => {
    // The holder is ranked first while nothing is known, and is the slowest for this viewer.
    wan.set('viewer', 'red', { delayMs: 60, mbit: 3 });
    wan.set('viewer', 'green', { delayMs: 10, mbit: 30 });
    wan.set('viewer', 'blue', { delayMs: 30, mbit: 6 });
    const inside = join(directory, 'browser.sh');
    writeFileSync(
      inside,
      `#!/bin/sh\nexec ${wan.hosts.get('viewer')?.inside.join(' ')} ${chromiumPath} "$@"\n`,
    );
    chmodSync(inside, 0o755);
    const browser = await chromium.launch({
      executablePath: inside,
      args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--disable-background-networking'],
    });
    try {
      const page = await browser.newPage();
      const cityOf = new Map(CITIES.map(city => [new URL(siteUrl(city)).host, city]));
      const segments: { readonly city: string | undefined; readonly atMs: number }[] = [];
      page.on('request', request => {
        const url = new URL(request.url());
        if (/\/v\/.*video.*\/\d+\.m4s$/.test(url.pathname))
          segments.push({ city: cityOf.get(url.host), atMs: performance.now() });
      });
      await page.goto(`${centralUrl()}/watch/${video}`);
      await eventually('five segments', () => segments.length >= 5 || undefined, 60_000);
      const found = segments.findIndex(({ city }) => city === 'green');
      console.log(
        `found the best site with segment ${found + 1}: ${segments.map(({ city }) => city).join(' ')}`,
      );
      expect(found).toBeGreaterThanOrEqual(0);
      expect(found).toBeLessThanOrEqual(3);

      wan.set('viewer', 'green', { delayMs: 80, mbit: 1.2 });
      wan.set('viewer', 'blue', { delayMs: 10, mbit: 30 });
      const swappedMs = performance.now();
      const moved = await eventually(
        'the new best site serves',
        () => segments.find(({ city, atMs }) => city === 'blue' && atMs > swappedMs),
        60_000,
      );
      const tookS = (moved.atMs - swappedMs) / 1_000;
      console.log(
        `found the new best after ${tookS.toFixed(1)} s: ${segments.map(({ city }) => city).join(' ')}`,
      );
      expect(tookS).toBeLessThan(30);
      // Playback stays at the new best site.
      await page.waitForTimeout(12_000);
      expect(segments.at(-1)?.city).toBe('blue');
    } finally {
      await browser.close();
    }
  });
});
