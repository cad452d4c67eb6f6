/**
 * Players × faults, in a real browser before real sites: the serving site is killed, falls silent or becomes slow in the middle
 * of a film. Playback must go on from another site, the picture must not stand still, and viewers must come back when the site
 * does. `npm run players` writes what was measured into docs/playback.md.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath } from '../support/browser.ts';
import type { Fault } from './fault-switch.ts';
import { openPlayerLab, type PlaybackResult, type PlayerLab, type Viewer } from './player-lab.ts';
import { PLAYERS, servePlayerPages } from './player-pages.ts';
import { formatSeconds, type Row, writeTable } from './table.ts';

/** What is buffered is gone by then, and a fault that stops the picture is seen. */
const FAULT_S = 20;
/** Shaka keeps away for 60 s from what failed. */
const RETURN_S = 75;
/** By then every player has asked the tracker for the order of now. */
const MID_PLAY_S = 17;
/** The promise is none. */
const TOLERATED_S = 0.5;

/**
 * `TRIBUTARY_PLAYERS='dash.js|Shaka'` and `TRIBUTARY_FAULTS=kill,hang` play a part of it, and write
 * no table. Five play at once, each in a network of its own; `TRIBUTARY_TOGETHER=1` lets them play one after the other.
 */
const { TRIBUTARY_PLAYERS: wanted, TRIBUTARY_FAULTS: wantedFaults, TRIBUTARY_TOGETHER = '5' } = process.env;
const isPart = wanted !== undefined || wantedFaults !== undefined;
const faults = (wantedFaults?.split(',') ?? ['kill', 'hang', 'slow']) as readonly Fault[];

let stage: PlayerLab;
let pages: Awaited<ReturnType<typeof servePlayerPages>>;

interface Contestant extends Row {
  readonly courses: Map<Fault, PlaybackResult>;
  open(): Promise<Viewer>;
}
const contestants: readonly Contestant[] = [
  { name: 'our own page (HLS, 20 s of buffer)', cannot: {}, courses: new Map(), open: () => stage.watch() },
  ...PLAYERS.map((setting, index): Contestant => {
    const { player, format, cannot = {} } = setting;
    const name = `${player}, ${setting.setting} (${format === 'mpd' ? 'DASH' : 'HLS'})`;
    const address = (client: string): string => {
      const url = `${stage.demo.tracker}/play/${stage.video}.${format}?client=${client}`;
      return `${pages.url}/page/${index}?url=${encodeURIComponent(url)}`;
    };
    return { name, cannot, courses: new Map(), open: () => stage.open(name, address) };
  }),
].filter(({ name }) => new RegExp(wanted ?? '.').test(name));

const groups: (readonly Contestant[])[] = [];
for (let at = 0; at < contestants.length; at += Number(TRIBUTARY_TOGETHER))
  groups.push(contestants.slice(at, at + Number(TRIBUTARY_TOGETHER)));

describe.skipIf(!chromiumPath)('players and faults', () => {
  beforeAll(async () => {
    stage = await openPlayerLab();
    pages = await servePlayerPages();
  });
  afterAll(async () => {
    pages?.stop();
    await stage?.stop();
    if (!isPart) writeTable(contestants, faults);
  });

  for (const fault of faults) {
    it.each(groups.map(group => [group.map(({ name }) => name).join(' and '), group] as const))(
      `${fault}: %s plays on elsewhere, and comes back`,
      { retry: isPart ? 0 : 1 },
      async (_, group) => {
        const viewers: Viewer[] = [];
        try {
          for (const each of group) viewers.push(await each.open());
          const courses = await stage.run(viewers, fault, {
            faultSeconds: FAULT_S,
            returnSeconds: RETURN_S,
            midPlaySeconds: MID_PLAY_S,
          });
          for (const [index, contestant] of group.entries()) {
            const course = courses[index] as PlaybackResult;
            contestant.courses.set(fault, course);
            console.log(`${fault}, ${contestant.name}: ${format(course)}`);
          }
          for (const contestant of group) judge(contestant, fault);
        } catch (error) {
          for (const { name, log } of viewers) console.log(`${name}\n${log.join('\n')}`);
          throw error;
        } finally {
          for (const viewer of viewers) await viewer.page.close();
        }
      },
    );
  }
});

function judge({ name, courses, cannot }: Contestant, fault: Fault): void {
  const { movedAfter, starvedSeconds, returnedAfter, playsOn, notes } = courses.get(fault) as PlaybackResult;
  const what = `${name}, ${fault}: ${notes.join('; ')}`;
  expect(playsOn, `plays on: ${what}`).toBe(true);
  if (cannot[fault] !== undefined) return;
  expect(movedAfter, `moves: ${what}`).toBeDefined();
  expect(starvedSeconds, `stands still: ${what}`).toBeLessThanOrEqual(TOLERATED_S);
  expect(returnedAfter, `returns: ${what}`).toBeDefined();
}

const format = ({
  stalledSeconds,
  starvedSeconds,
  movedAfter,
  returnedAfter,
  notes,
}: PlaybackResult): string =>
  `stalled ${formatSeconds(stalledSeconds)} s (starved ${formatSeconds(starvedSeconds)} s), moved after ` +
  `${formatSeconds(movedAfter)} s, returned after ${formatSeconds(returnedAfter)} s ${notes.join('; ')}`;
