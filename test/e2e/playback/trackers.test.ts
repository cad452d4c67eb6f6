/** Two trackers of one central: viewers may use either of them, and a tracker that restarts has everything at once, also without central. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Explanation, PlayResponse } from '../../../src/protocol/tracker.ts';
import { type Demo, findVideo, startDemo } from '../../support/demo.ts';
import { eventually } from '../../support/eventually.ts';
import { getJson } from '../../support/json-requests.ts';
import { COMMAND } from '../../support/programs.ts';
import { readVideo, shortVideo } from '../../support/sample-videos.ts';
import { upload } from '../../support/uploads.ts';

let demo: Demo;
let id: string;
let second: string;
let config: string;
let child: ChildProcess;
const start = (): void => {
  child = spawn(process.execPath, [COMMAND, 'tracker', '--config', config], { stdio: 'ignore' });
};

beforeAll(async () => {
  demo = await startDemo();
  ({ id } = await upload(demo.sites[1]?.url ?? '', demo.token, readVideo(shortVideo()), { name: 'Lecture' }));
  await eventually(
    'it is registered',
    async () => (await findVideo(demo, id)).state === 'registered' || undefined,
  );
  const first = new URL(demo.tracker);
  second = `http://${first.hostname}:${Number(first.port) + 1}`;
  const invited = await fetch(`${demo.central}/api/trackers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${demo.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Second', baseUrl: second }),
  });
  const { joinToken } = (await invited.json()) as { joinToken: string };
  config = join(demo.directory, 'second.toml');
  const directory = join(demo.directory, 'second');
  writeFileSync(
    config,
    `[tracker]
listen = "${new URL(second).host}"
baseUrl = "${second}"
dataDirectory = "${directory}"
central = "${demo.central}"
operatorToken = "${demo.token}"
trustClientParameter = true
joinToken = "${joinToken}"
`,
  );
  start();
  await eventually('the second tracker knows the video', async () => {
    const response = await getJson<PlayResponse>(`${second}/play/${id}`);
    return response.sources.length === 3 || undefined;
  });
  await eventually(
    'it has the shared key',
    async () => existsSync(join(directory, 'session.key')) || undefined,
  );
});
afterAll(async () => {
  child?.kill('SIGKILL');
  await demo?.stop();
});

const client = '10.1.77.9';
const explain = (tracker: string): Promise<Explanation> =>
  getJson(`${tracker}/explain/${id}?client=10.1.77.200`, demo.token);
const codesAt = async (tracker: string): Promise<readonly string[]> =>
  (await explain(tracker)).ranking.flatMap(({ reasons }) => reasons.map(({ code }) => code));

it('measurements that viewers report to one tracker reach the other', async () => {
  expect(await codesAt(second)).not.toContain('measured-network');
  // The session key comes with the first exchange: reports before it count only at their own tracker.
  // A single reporter is ignored, so several viewers of this network report the same.
  const reports = await Promise.all(
    [11, 12, 13, 14].map(async host => {
      const viewer = client.replace(/\d+$/, String(host));
      const { steering, sources } = await getJson<PlayResponse>(
        `${demo.tracker}/play/${id}?client=${viewer}`,
      );
      return `${steering}&_HLS_pathway=${sources[0]?.site}&_HLS_throughput=23000000`;
    }),
  );
  await eventually(
    'the second tracker has the measurement',
    async () => {
      for (const url of reports) await fetch(url);
      await sleep(500);
      return (await codesAt(second)).includes('measured-network') || undefined;
    },
    40_000,
  );
});

it('failures that viewers report to one tracker make the other choose another site', async () => {
  const newcomer = '10.1.88.5';
  const firstAt = async (tracker: string) =>
    (await getJson<PlayResponse>(`${tracker}/play/${id}?client=${newcomer}`)).sources[0]?.site;
  const failing = await firstAt(second);
  const sharesAt = async (tracker: string) =>
    new Map<string, number>(
      (await explain(tracker)).ranking.map(({ site, inputs }) => [site, inputs.failureShare]),
    );
  expect([...(await sharesAt(second)).values()]).toEqual([0, 0, 0]);
  // A few networks may lie, and the site responds to the trackers: reports from most of eight independent networks are evidence.
  const networks = ['10.1', '10.2', '10.3', '172.16', '172.17', '172.18', '172.19', '172.20'];
  const reports = await Promise.all(
    networks.map(async network => {
      const viewer = `${network}.61.7`;
      const { session } = await getJson<PlayResponse>(`${demo.tracker}/play/${id}?client=${viewer}`);
      return `${demo.tracker}/beacon/${session}?client=${viewer}&video=${id}&pathways=${failing}`;
    }),
  );
  const body = JSON.stringify({ results: [{ site: failing, kind: 'segment', failed: true }] });
  await eventually(
    'the second tracker has the failures',
    async () => {
      for (const url of reports) {
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        });
        expect(response.status).toBe(200);
      }
      await sleep(500);
      const shares = await sharesAt(second);
      if (shares.get(failing ?? '') === 0) return undefined;
      expect([...shares].filter(([, share]) => share > 0).map(([site]) => site)).toEqual([failing]);
      expect(await firstAt(second)).not.toBe(failing);
      return true;
    },
    40_000,
  );
});

it('a session of one tracker continues at the other', async () => {
  const carried = await eventually(
    'both sign with the same key',
    async () => {
      const { session } = await getJson<PlayResponse>(`${demo.tracker}/play/${id}?client=${client}`);
      const { session: again } = await getJson<PlayResponse>(
        `${second}/play/${id}?client=${client}&session=${session}`,
      );
      return session === again || undefined;
    },
    30_000,
  );
  expect(carried).toBe(true);
});

it('a tracker that was killed while central is down has everything when it is back', async () => {
  const { position } = await getJson<{ position: number }>(`${second}/status`);
  // The snapshot is written a few seconds after a change.
  await eventually(
    'the snapshot is there',
    () => existsSync(join(demo.directory, 'second', 'registry.snapshot')) || undefined,
  );
  await sleep(6_000);
  process.kill(demo.pids.central, 'SIGKILL');
  child.kill('SIGKILL');
  await new Promise(done => child.once('exit', done));
  start();
  await eventually('it plays again', async () => {
    const response = await getJson<PlayResponse>(`${second}/play/${id}`);
    return response.sources.length > 0 || undefined;
  });
  const status = await getJson<{ position: number; videos: number }>(`${second}/status`);
  expect(status.videos).toBe(2);
  expect(status.position).toBeGreaterThanOrEqual(position);
});
