/** A real central and a real tracker: a grant gives access to its video, and nothing else does (docs/private-videos.md). */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { call, type Signer } from '../src/kernel/http/client.ts';
import { verifyRight } from '../src/kernel/rights/rights-token.ts';
import { newVideoId, type VideoId } from '../src/protocol/base/ids.ts';
import { type Grant, grantSchema, rightsPageSchema } from '../src/protocol/rights.ts';
import { playResponseSchema } from '../src/protocol/tracker.ts';
import { trackerConfigSchema } from '../src/tracker/config.ts';
import { type RunningTracker, startTracker } from '../src/tracker/tracker.ts';
import { type CentralHarness, startCentralHarness } from './support/central-harness.ts';
import { TOKEN } from './support/central-requests.ts';
import { eventually } from './support/eventually.ts';
import { freePort } from './support/free-port.ts';
import { videoRecord } from './support/records.ts';
import type { TestSite } from './support/test-site.ts';

let harness: CentralHarness;
let tracker: RunningTracker;
let directory: string;
let home: TestSite;
let other: TestSite;
let hidden: VideoId;
let open: VideoId;

const startOne = async (joinToken?: string): Promise<RunningTracker> => {
  const port = await freePort();
  return startTracker(
    trackerConfigSchema.parse({
      listen: `127.0.0.1:${port}`,
      baseUrl: `http://127.0.0.1:${port}`,
      dataDirectory: directory,
      central: harness.central.url,
      ...(joinToken ? { joinToken } : {}),
      operatorToken: TOKEN,
      logLevel: 'silent',
    }),
  );
};

beforeEach(async () => {
  harness = await startCentralHarness();
  directory = await mkdtemp(join(tmpdir(), 'tributary-rights-'));
  home = await harness.addSite('home');
  other = await harness.addSite('other');
  ({ video: hidden } = home.put(videoRecord({ visibility: 'private', name: 'Closed' })));
  ({ video: open } = home.put(videoRecord({ name: 'Open' })));
  await home.collect();
  const { body } = await harness.request('POST', '/api/trackers', {
    body: { name: 'T', baseUrl: 'http://127.0.0.1:9999' },
  });
  tracker = await startOne(body.joinToken);
  await eventually(
    'the public video can be played',
    async () => (await fetch(`${tracker.url}/play/${open}`)).ok,
  );
});
afterEach(async () => {
  await tracker.stop();
  await harness.stop();
  await rm(directory, { recursive: true });
});

const give = async (video = hidden): Promise<Grant> =>
  grantSchema.parse(
    (await harness.request('POST', `/api/videos/${video}/grants`, { body: { lifetimeS: 7 * 86_400 } })).body,
  );
const get = async (path: string) => {
  const response = await fetch(tracker.url + path, { redirect: 'manual' });
  const text = await response.text();
  const code = response.headers.get('content-type')?.includes('problem')
    ? (JSON.parse(text) as { code: string }).code
    : undefined;
  return { status: response.status, text, code, location: response.headers.get('location') ?? '' };
};
const keysOf = async (site: TestSite): Promise<(generation: number) => Buffer | undefined> => {
  const { keys } = await call(`${harness.central.url}/api/rights?after=0`, {
    signer: site.signer,
    timeoutMs: 5_000,
    maxBytes: 2 ** 20,
    response: rightsPageSchema,
  });
  return generation => {
    const found = keys.find(key => key.generation === generation);
    return found && Buffer.from(found.key, 'base64url');
  };
};
const WAYS = (video: string): readonly string[] => [
  `/play/${video}`,
  `/play/${video}.m3u8`,
  `/play/${video}.mpd`,
  `/go/${video}`,
  `/go/${video}/poster.jpg`,
  `/go/${video}/storyboard.vtt`,
  `/relay/${video}.m3u8`,
  `/relay/${video}/growing/source-video/media.m3u8`,
  `/relay/${video}/growing/source-video/0.m4s`,
];

describe('a tracker', () => {
  it('responds without a grant as if the video did not exist', async () => {
    const { grant } = await give();
    await eventually(
      'the grant is accepted',
      async () => (await get(`/play/${hidden}?grant=${grant}`)).status === 200,
    );
    const forged = grant.slice(0, -1) + (grant.endsWith('A') ? 'B' : 'A');
    const foreign = (
      await give(home.put(videoRecord({ visibility: 'private' })).video).catch(() => undefined)
    )?.grant;
    for (const query of ['', `?grant=${forged}`, '?grant=x', `?grant=${foreign ?? 'A'.repeat(40)}`]) {
      for (const [at, path] of WAYS(hidden).entries()) {
        const unknown = await get(WAYS(newVideoId())[at] + query);
        const refused = await get(path + query);
        expect([refused.status, refused.text], path + query).toEqual([404, unknown.text]);
      }
    }
    // A player is steered among the pathways that it has, and learns nothing from that.
    for (const video of [hidden, newVideoId()]) {
      const steering = await get(`/steer/${video}?pathways=${home.id}.${other.id}`);
      expect(JSON.parse(steering.text)['PATHWAY-PRIORITY'].sort()).toEqual([home.id, other.id].sort());
      expect(steering.text).not.toContain('/t/');
    }
    expect((await get(`/explain/${hidden}?client=10.0.0.1`)).status).toBe(401);
    const explained = await fetch(`${tracker.url}/explain/${hidden}?client=10.0.0.1`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(explained.status).toBe(200);
  });

  it('exchanges a grant for a token per site, signed with that site’s key, and passes the grant on', async () => {
    const { grant, id, expiresAt } = await give();
    await eventually(
      'the grant is accepted',
      async () => (await get(`/play/${hidden}?grant=${grant}`)).status === 200,
    );
    const response = playResponseSchema.parse(JSON.parse((await get(`/play/${hidden}?grant=${grant}`)).text));
    expect(response.isPrivate).toBe(true);
    expect(response.sources.map(({ site }) => site).sort()).toEqual([home.id, other.id].sort());
    for (const { site, token = '', hls, dash, baseUrl } of response.sources) {
      const [own, foreign] = site === home.id ? [home, other] : [other, home];
      const claims = verifyRight(token, hidden, await keysOf(own));
      expect(claims).toMatchObject({ kind: 'viewer', subject: id });
      // A token is valid for longer than a viewing, but not as long as the grant.
      expect((claims?.expiresS ?? 0) * 1_000 - Date.now()).toBeLessThanOrEqual(13 * 3_600_000);
      expect((claims?.expiresS ?? 0) * 1_000 - Date.now()).toBeGreaterThan(11 * 3_600_000);
      expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(6 * 86_400_000);
      expect(verifyRight(token, hidden, await keysOf(foreign))).toBeUndefined();
      for (const address of [hls, dash ?? ''])
        expect(address.startsWith(`${baseUrl}/t/${token}/v/${hidden}/${response.revision}/`)).toBe(true);
    }
    for (const address of [response.hls, response.dash ?? '', response.steering])
      expect(new URL(address).searchParams.get('grant')).toBe(grant);

    const playlist = (await get(`/play/${hidden}.m3u8?grant=${grant}`)).text;
    const uris = playlist.split('\n').filter(line => line.startsWith('http'));
    expect(uris).toHaveLength(2);
    for (const uri of uris) expect(uri).toMatch(new RegExp(`/t/[A-Za-z0-9_-]{40}/v/${hidden}/`));
    const inline = /SERVER-URI="data:[^,]*,([^"]*)"/.exec(playlist)?.[1] ?? '';
    const reload = JSON.parse(Buffer.from(inline, 'base64').toString())['RELOAD-URI'] as string;
    const steered = await get(reload.slice(new URL(reload).origin.length));
    expect(JSON.parse(steered.text)['RELOAD-URI']).toContain(`grant=${grant}`);

    expect((await get(`/go/${hidden}?grant=${grant}`)).location).toMatch(
      new RegExp(`/t/[A-Za-z0-9_-]{40}/v/${hidden}/.*/multivariant.m3u8$`),
    );
    const relay = (await get(`/relay/${hidden}.m3u8?grant=${grant}`)).text;
    const media = relay.split('\n').filter(line => line && !line.startsWith('#'));
    for (const line of media) expect(line.endsWith(`?grant=${grant}`)).toBe(true);
    expect((await get(`/relay/${hidden}/growing/source-video/0.m4s?grant=${grant}`)).location).toMatch(
      /\/t\/[A-Za-z0-9_-]{40}\/v\//,
    );
    // A public video needs no token and gets none.
    const plain = (await get(`/play/${open}?grant=${grant}`)).text;
    expect(plain).not.toContain('/t/');
    expect(plain).not.toContain('isPrivate');
  });

  it('refuses a revoked grant within seconds, also after a restart without central', async () => {
    const { grant, id } = await give();
    const another = await give();
    await eventually(
      'the grant is accepted',
      async () => (await get(`/play/${hidden}?grant=${grant}`)).status === 200,
    );
    await harness.request('DELETE', `/api/videos/${hidden}/grants/${id}`);
    await eventually(
      'the grant is refused',
      async () => (await get(`/play/${hidden}?grant=${grant}`)).status !== 200,
    );
    for (const path of WAYS(hidden))
      expect((await get(`${path}?grant=${grant}`)).code, path).toBe('grant-revoked');
    expect((await get(`/play/${hidden}?grant=${another.grant}`)).status).toBe(200);
    // A player is still steered; the sites refuse its requests.
    expect((await get(`/steer/${hidden}?pathways=${home.id}&grant=${grant}`)).status).toBe(200);
    await tracker.stop();
    await harness.central.stop();
    tracker = await startOne();
    expect((await get(`/play/${hidden}?grant=${grant}`)).code).toBe('grant-revoked');
    expect((await get(`/play/${hidden}`)).status).toBe(404);
  });

  it('accepts grants of the previous master key until it expires', async () => {
    const before = await give();
    await eventually(
      'the grant is accepted',
      async () => (await get(`/play/${hidden}?grant=${before.grant}`)).status === 200,
    );
    await harness.request('POST', '/api/rights/rotate', { body: { keepS: 3_600 } });
    const after = await give();
    await eventually(
      'the grant is accepted',
      async () => (await get(`/play/${hidden}?grant=${after.grant}`)).status === 200,
    );
    expect((await get(`/play/${hidden}?grant=${before.grant}`)).status).toBe(200);
    await harness.request('POST', '/api/rights/rotate', { body: { keepS: 0 } });
    await eventually(
      'the grant is unknown',
      async () => (await get(`/play/${hidden}?grant=${after.grant}`)).status === 404,
    );
    // The same grant in the list, signed with the current key.
    const [again] = (await harness.request('GET', `/api/videos/${hidden}/grants`)).body.grants as Grant[];
    await eventually(
      'the grant is accepted',
      async () => (await get(`/play/${hidden}?grant=${again?.grant}`)).status === 200,
    );
  });

  it('gives a site that signs a token for its fill, and an unsigned request nothing', async () => {
    await give();
    const ask = (fill: string, signer?: Signer) =>
      call(`${tracker.url}/play/${hidden}?fill=${fill}`, {
        ...(signer ? { signer } : {}),
        timeoutMs: 5_000,
        maxBytes: 2 ** 20,
        response: playResponseSchema,
      });
    await eventually('the site may fill', () => ask(other.id, other.signer).catch(() => false as const));
    const { sources } = await ask(other.id, other.signer);
    const ofHome = sources.find(({ site }) => site === home.id);
    expect(verifyRight(ofHome?.token ?? '', hidden, await keysOf(home))).toMatchObject({ kind: 'member' });
    await expect(ask(other.id)).rejects.toMatchObject({ status: 404, code: 'video-unknown' });
    await expect(ask(home.id, other.signer)).rejects.toMatchObject({ status: 404 });
    await expect(ask(other.id, { key: home.key, keyId: other.id })).rejects.toMatchObject({ status: 401 });
    await expect(ask('not-a-site', other.signer)).rejects.toMatchObject({ status: 400 });
    // A signed request is accepted only once.
    const recorded: Record<string, string> = {};
    await call(`${tracker.url}/play/${hidden}?fill=${other.id}`, {
      signer: other.signer,
      timeoutMs: 5_000,
      maxBytes: 2 ** 20,
      response: z.unknown(),
      async send({ url, headers }) {
        Object.assign(recorded, headers);
        const response = await fetch(url, { headers });
        return { status: response.status, text: await response.text() };
      },
    });
    const replayed = await fetch(`${tracker.url}/play/${hidden}?fill=${other.id}`, { headers: recorded });
    expect(replayed.status).toBe(401);
    await harness.request('DELETE', `/api/sites/${other.id}`);
    await eventually('the revoked site is refused', () =>
      ask(other.id, other.signer).then(
        () => false as const,
        () => true as const,
      ),
    );
  });
});
