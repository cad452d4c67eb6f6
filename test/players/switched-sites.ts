/** A demo whose sites stand behind switches: each site moves to the next port, and its address is the switch's from then on. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Demo } from '../support/demo.ts';
import { eventually } from '../support/eventually.ts';
import { COMMAND } from '../support/programs.ts';
import { type FaultSwitch, startFaultSwitch } from './fault-switch.ts';

/** What a connection to a site gets: the one of the viewers' own zone is the better one. */
const HOME_BPS = 40e6;
const OTHERS_BPS = 8e6;

/** So many segments at a time. */
const AT_ONCE = 8;

/** Has a site fetch a whole video: one that has to fill while it serves is rightly left for one that has it. */
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

/** Puts a switch on the site's address and the site itself behind it. */
export async function insertFaultSwitch(
  demo: Demo,
  index: number,
): Promise<{ front: FaultSwitch; site: ChildProcess }> {
  const place = demo.sites[index];
  if (!place) throw new Error(`the demo has no site ${index}`);
  const { hostname, port } = new URL(place.url);
  const behind = Number(port) + 1;
  process.kill(place.pid, 'SIGKILL');
  const config = readFileSync(place.config, 'utf8');
  writeFileSync(
    place.config,
    // Nothing is converted meanwhile: the machine is busy enough with players.
    config.replace(`listen = "${hostname}:${port}"`, `listen = "${hostname}:${behind}"\nworkers = 0`),
  );
  const usualBps = index === 0 ? HOME_BPS : OTHERS_BPS;
  const front = await eventually('the site has left its address', () =>
    startFaultSwitch(hostname, Number(port), behind, usualBps),
  );
  const site = spawn(process.execPath, [COMMAND, 'site', '--config', place.config], { stdio: 'ignore' });
  try {
    await eventually(
      'the site is back',
      async () => (await fetch(`${place.url}/readyz`)).ok || undefined,
      60_000,
    );
  } catch (error) {
    site.kill('SIGKILL');
    await front.stop();
    throw error;
  }
  return { front, site };
}
