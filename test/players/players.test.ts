/**
 * Players × faults, in a real browser with real sites: the serving site is killed, stops responding or becomes slow during
 * playback. Playback must continue from another site without a stall, and viewers must return when the site
 * recovers. `npm run players` writes the measurements into docs/playback.md.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath } from '../support/browser.ts';
import type { Fault } from './fault-switch.ts';
import { openPlayerLab, type PlaybackResult, type PlayerLab, type Viewer } from './player-lab.ts';
import { PLAYERS, servePlayerPages } from './player-pages.ts';
import { formatSeconds, type Row, writeTable } from './table.ts';

/** Longer than the buffer, so that a fault that stops playback shows. */
const FAULT_S = 20;
/** Shaka Player avoids a failed host for 60 s. */
const RETURN_S = 75;
/** By then every player has fetched the current order from the tracker. */
const MID_PLAY_S = 17;
/** Playback should never stop, but a busy machine draws frames late. */
const TOLERATED_S = 0.5;

/**
 * `TRIBUTARY_PLAYERS='dash.js|Shaka'` and `TRIBUTARY_FAULTS=kill,hang` select a part, and write
 * no table. Five play at once, each in a separate network; `TRIBUTARY_TOGETHER=1` makes them play one after the other.
 */
const { TRIBUTARY_PLAYERS: wanted, TRIBUTARY_FAULTS: wantedFaults, TRIBUTARY_TOGETHER = '5' } = process.env;
const isPart = wanted !== undefined || wantedFaults !== undefined;
const faults = (wantedFaults?.split(',') ?? ['kill', 'hang', 'slow']) as readonly Fault[];

let lab: PlayerLab;
let pages: Awaited<ReturnType<typeof servePlayerPages>>;

interface Contestant extends Row {
  readonly results: Map<Fault, PlaybackResult>;
  open(): Promise<Viewer>;
}
const contestants: readonly Contestant[] = [
  { name: 'our own page (HLS, 20 s of buffer)', cannot: {}, results: new Map(), open: () => lab.watch() },
  ...PLAYERS.map((setting, index): Contestant => {
    const { player, format, cannot = {} } = setting;
    const name = `${player}, ${setting.setting} (${format === 'mpd' ? 'DASH' : 'HLS'})`;
    const address = (client: string): string => {
      const url = `${lab.demo.tracker}/play/${lab.video}.${format}?client=${client}`;
      return `${pages.url}/page/${index}?url=${encodeURIComponent(url)}`;
    };
    return { name, cannot, results: new Map(), open: () => lab.open(name, address) };
  }),
].filter(({ name }) => new RegExp(wanted ?? '.').test(name));

const groups: (readonly Contestant[])[] = [];
for (let at = 0; at < contestants.length; at += Number(TRIBUTARY_TOGETHER))
  groups.push(contestants.slice(at, at + Number(TRIBUTARY_TOGETHER)));

describe.skipIf(!chromiumPath)('players and faults', () => {
  beforeAll(async () => {
    lab = await openPlayerLab();
    pages = await servePlayerPages();
  });
  afterAll(async () => {
    pages?.stop();
    await lab?.stop();
    if (!isPart) writeTable(contestants, faults);
  });

  for (const fault of faults) {
    it.each(groups.map(group => [group.map(({ name }) => name).join(' and '), group] as const))(
      `${fault}: %s continues elsewhere, and returns`,
      async (_, group) => {
        const viewers: Viewer[] = [];
        try {
          for (const each of group) viewers.push(await each.open());
          const results = await lab.run(viewers, fault, {
            faultSeconds: FAULT_S,
            returnSeconds: RETURN_S,
            midPlaySeconds: MID_PLAY_S,
          });
          for (const [index, contestant] of group.entries()) {
            const result = results[index] as PlaybackResult;
            contestant.results.set(fault, result);
            console.log(`${fault}, ${contestant.name}: ${format(result)}`);
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

function judge({ name, results, cannot }: Contestant, fault: Fault): void {
  const { movedAfter, starvedSeconds, returnedAfter, playsOn, notes } = results.get(fault) as PlaybackResult;
  const what = `${name}, ${fault}: ${notes.join('; ')}`;
  expect(playsOn, `plays on: ${what}`).toBe(true);
  if (cannot[fault] !== undefined) return;
  expect(movedAfter, `moves: ${what}`).toBeDefined();
  expect(starvedSeconds, `stalls: ${what}`).toBeLessThanOrEqual(TOLERATED_S);
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
