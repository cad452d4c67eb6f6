/** Puts fault switches in front of the sites of a demo: a site moves to the next port, and the switch takes over its address. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Demo } from '../support/demo.ts';
import { eventually } from '../support/eventually.ts';
import { COMMAND } from '../support/programs.ts';
import { type FaultSwitch, startFaultSwitch } from './fault-switch.ts';

/** The rate of a connection: the site in the viewers' zone is faster. */
const HOME_BPS = 40e6;
const OTHERS_BPS = 8e6;

/** The number of segments fetched in parallel. */
const AT_ONCE = 8;

/** Makes a site fetch a complete video: otherwise the tracker would rightly prefer a site that already has it. */
export async function fillVideo(hls: string): Promise<void> {
  const read = async (url: string): Promise<string> => {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return response.text();
  };
  const multivariant = await read(hls);
  for (const [playlist] of multivariant.matchAll(/[\w-]+\/media\.m3u8/g)) {
    const media = await read(new URL(playlist, hls).href);
    const segments = [...media.matchAll(/^\S+\.m4s$/gm)].map(([segment]) => segment);
    const take = async (): Promise<void> => {
      for (let next = segments.shift(); next; next = segments.shift())
        await read(new URL(next, new URL(playlist, hls)).href);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, take));
  }
}

/** Starts a switch at the site's address and moves the site behind it. */
export async function insertFaultSwitch(
  demo: Demo,
  index: number,
): Promise<{ front: FaultSwitch; site: ChildProcess }> {
  const demoSite = demo.sites[index];
  if (!demoSite) throw new Error(`the demo has no site ${index}`);
  const { hostname, port } = new URL(demoSite.url);
  const behind = Number(port) + 1;
  process.kill(demoSite.pid, 'SIGKILL');
  const config = readFileSync(demoSite.config, 'utf8');
  writeFileSync(
    demoSite.config,
    // Nothing is converted: the players keep the machine busy enough.
    config.replace(`listen = "${hostname}:${port}"`, `listen = "${hostname}:${behind}"\nworkers = 0`),
  );
  const usualBps = index === 0 ? HOME_BPS : OTHERS_BPS;
  const front = await eventually('the site has left its address', () =>
    startFaultSwitch(hostname, Number(port), behind, usualBps),
  );
  const site = spawn(process.execPath, [COMMAND, 'site', '--config', demoSite.config], { stdio: 'ignore' });
  try {
    await eventually(
      'the site is back',
      async () => (await fetch(`${demoSite.url}/readyz`)).ok || undefined,
      60_000,
    );
  } catch (error) {
    site.kill('SIGKILL');
    await front.stop();
    throw error;
  }
  return { front, site };
}
