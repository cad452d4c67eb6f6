/** A member joins again with a new join token: it makes a new key, and a key that was revoked or replaced is never enrolled again. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readOrMakeKey } from '../../src/kernel/identity/keys.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { joinIfNeeded, keyPath, readIdentity } from '../../src/kernel/membership/member.ts';
import { siteConfigSchema } from '../../src/site/config.ts';
import { startSite } from '../../src/site/start.ts';
import { trackerConfigSchema } from '../../src/tracker/config.ts';
import { startTracker } from '../../src/tracker/tracker.ts';
import { type CentralHarness, startCentralHarness } from '../support/central-harness.ts';
import { joinCentral, TOKEN } from '../support/central-requests.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { makeTemporaryDirectory, removeDirectory } from '../support/temporary-directory.ts';

let harness: CentralHarness;
let directory: string;
beforeEach(async () => {
  harness = await startCentralHarness();
  directory = await makeTemporaryDirectory('rejoining');
});
afterEach(async () => {
  await harness.stop();
  await removeDirectory(directory);
});

const invite = async (port = 9) =>
  (await harness.request('POST', '/api/sites', { body: { name: 'a', baseUrl: `http://127.0.0.1:${port}` } }))
    .body;
const inviteAgain = async (id: string): Promise<string> =>
  (await harness.request('POST', `/api/sites/${id}/join-token`)).body.joinToken;
const joinAsSite = async (joinToken: string) =>
  joinIfNeeded(
    await readIdentity(directory),
    { directory, centralUrl: harness.url, joinToken, role: 'site' },
    silentLog,
  );
const keyFiles = () => readdirSync(directory).filter(name => name.startsWith('member.key'));

it('every new token enrols a new key, and a token that was used before changes nothing', async () => {
  const { site, joinToken } = await invite();
  const first = await joinAsSite(joinToken);
  expect(first.membership).toMatchObject({ id: site.id, publicKey: first.key.publicKey });
  expect((await joinAsSite(joinToken)).key.publicKey).toBe(first.key.publicKey);

  await harness.request('DELETE', `/api/sites/${site.id}`);
  const second = await joinAsSite(await inviteAgain(site.id));
  expect(second.membership).toMatchObject({ id: site.id, publicKey: second.key.publicKey });
  expect(second.key.publicKey).not.toBe(first.key.publicKey);
  expect((await readIdentity(directory)).key.publicKey).toBe(second.key.publicKey);
  expect(keyFiles()).toEqual(['member.key']);

  // The token of the first start, still in the configuration, is refused; the membership stays.
  const kept = await joinAsSite(joinToken);
  expect(kept).toMatchObject({ key: { publicKey: second.key.publicKey }, membership: { id: site.id } });
  expect(keyFiles()).toEqual(['member.key']);
});

it('a member that lost its membership never enrols its old key', async () => {
  const { site, joinToken } = await invite();
  const leaked = await joinAsSite(joinToken);
  await harness.request('DELETE', `/api/sites/${site.id}`);
  await rm(join(directory, 'member.json'));
  const renewed = await joinAsSite(await inviteAgain(site.id));
  expect(renewed.key.publicKey).not.toBe(leaked.key.publicKey);
});

it.each(['revoked', 'replaced'])('central does not enrol a key that was %s', async how => {
  const { site, joinToken } = await invite();
  const leaked = await readOrMakeKey(join(directory, 'leaked.key'));
  await joinCentral(harness.url, leaked, joinToken);
  if (how === 'revoked') await harness.request('DELETE', `/api/sites/${site.id}`);
  else {
    const other = await readOrMakeKey(join(directory, 'other.key'));
    await joinCentral(harness.url, other, await inviteAgain(site.id));
  }
  for (const token of [await inviteAgain(site.id), (await invite(10)).joinToken]) {
    await expect(joinCentral(harness.url, leaked, token)).rejects.toMatchObject({
      status: 409,
      code: 'key-retired',
    });
  }
});

it('a process that ended during its enrolment continues with the key that central has', async () => {
  const { joinToken } = await invite();
  const old = await readIdentity(directory);
  await copyFile(keyPath(directory), join(directory, 'kept'));
  const joined = await joinAsSite(joinToken);
  // Before the new key took its place:
  const [pending] = [`member.key.${joined.membership?.joinTokenHash?.slice(0, 16)}`];
  await copyFile(keyPath(directory), join(directory, pending));
  await copyFile(join(directory, 'kept'), keyPath(directory));
  expect((await readIdentity(directory)).key.publicKey).toBe(joined.key.publicKey);
  // Before the response arrived:
  await copyFile(keyPath(directory), join(directory, pending));
  await copyFile(join(directory, 'kept'), keyPath(directory));
  await rm(join(directory, 'member.json'));
  const again = await joinAsSite(joinToken);
  expect(again.key.publicKey).toBe(joined.key.publicKey);
  expect(again.key.publicKey).not.toBe(old.key.publicKey);
});

it('a membership of an earlier version stays if its token is still in the configuration', async () => {
  const { site, joinToken } = await invite();
  const { key, membership } = await joinAsSite(joinToken);
  const { joinTokenHash: _hash, publicKey: _key, ...earlier } = membership ?? expect.fail();
  await writeFile(join(directory, 'member.json'), JSON.stringify(earlier));
  const kept = await joinAsSite(joinToken);
  expect(kept).toMatchObject({ key: { publicKey: key.publicKey }, membership: { id: site.id } });
  expect(keyFiles()).toEqual(['member.key']);
});

it('a site and a tracker rejoin with the token in their configuration, after a revocation', async () => {
  const sitePort = await freePort();
  const trackerPort = await freePort();
  const parts = {
    sites: {
      url: `http://127.0.0.1:${sitePort}`,
      start: (joinToken: string) =>
        startSite(
          siteConfigSchema.parse({
            name: 'a',
            listen: `127.0.0.1:${sitePort}`,
            baseUrl: `http://127.0.0.1:${sitePort}`,
            sourceAddress: `127.0.0.1:${sitePort}`,
            dataDirectory: join(directory, 'sites'),
            central: harness.url,
            joinToken,
            operatorToken: TOKEN,
            logLevel: 'silent',
            workers: 0,
          }),
          { uiDirectory: '/nonexistent', prepareWorker: new URL('file:///nonexistent.js') },
        ),
    },
    trackers: {
      url: `http://127.0.0.1:${trackerPort}`,
      start: (joinToken: string) =>
        startTracker(
          trackerConfigSchema.parse({
            listen: `127.0.0.1:${trackerPort}`,
            baseUrl: `http://127.0.0.1:${trackerPort}`,
            dataDirectory: join(directory, 'trackers'),
            central: harness.url,
            joinToken,
            operatorToken: TOKEN,
            logLevel: 'silent',
          }),
        ),
    },
  };
  for (const [kind, part] of Object.entries(parts)) {
    const memberFile = join(directory, kind, 'member.json');
    const untilJoined = (not?: string) =>
      eventually(`one of the ${kind} has joined`, () => {
        const { id, publicKey } = existsSync(memberFile) ? JSON.parse(readFileSync(memberFile, 'utf8')) : {};
        return publicKey && publicKey !== not ? { id, publicKey } : undefined;
      });
    const { body } = await harness.request('POST', `/api/${kind}`, {
      body: { name: 'a', baseUrl: part.url },
    });
    const first = await part.start(body.joinToken);
    const { id, publicKey } = await untilJoined();
    await first.stop();
    await harness.request('DELETE', `/api/${kind}/${id}`);
    const token = (await harness.request('POST', `/api/${kind}/${id}/join-token`)).body.joinToken;
    const restartedMs = Date.now();
    const second = await part.start(token);
    expect((await untilJoined(publicKey)).id).toBe(id);
    // The new key is the one that central accepts.
    await eventually(`central accepts the new key of the ${kind}`, async () => {
      const { sites, trackers } = (await harness.request('GET', `/api/${kind}`)).body;
      const [row] = sites ?? trackers;
      return Date.parse(row.publication?.handshakeAt ?? row.lastSeenAt ?? 0) >= restartedMs;
    });
    await second.stop();
  }
});
