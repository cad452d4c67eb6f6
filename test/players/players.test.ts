/**
 * Players × faults, in a real browser before real sites: the serving site is killed, falls silent or becomes slow in the middle
 * of a film. Playback must go on from another site, the picture must not stand still, and viewers must come back when the site
 * does. `npm run players` writes what was measured into docs/playback.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath } from '../e2e/browser.ts';
import type { Fault } from './fault-switch.ts';
import { PLAYERS, type PlayerSetting, servePlayerPages } from './player-pages.ts';
import { type Course, openStage, type Stage } from './stage.ts';

const TABLE = 'docs/playback.md';
/** What is buffered is gone by then, and a fault that stops the picture is seen. */
const FAULT_S = 20;
/** Shaka keeps away for 60 s from what failed. */
const RETURN_S = 75;
/** The promise is none. */
const TOLERATED_S = 0.5;
/** So many play at once: fewer than it takes to make a site's failure known by viewers' word alone. */
const TOGETHER = Number(process.env.TRIBUTARY_TOGETHER ?? 2);

/** `TRIBUTARY_PLAYERS='dash.js|Shaka'` and `TRIBUTARY_FAULTS=kill` play a part of it, and tell all that was asked for. */
const wanted = process.env.TRIBUTARY_PLAYERS;
const isPart = wanted !== undefined || process.env.TRIBUTARY_FAULTS !== undefined;
const faults = (process.env.TRIBUTARY_FAULTS?.split(',') ?? ['kill', 'hang', 'slow']) as readonly Fault[];
const groups = PLAYERS.filter(each => !wanted || new RegExp(wanted).test(nameOf(each))).flatMap(
  (_, at, all) => (at % TOGETHER === 0 ? [all.slice(at, at + TOGETHER)] : []),
);

let stage: Stage;
let pages: Awaited<ReturnType<typeof servePlayerPages>>;
const outcomes = new Map<string, Course>();

describe.skipIf(!chromiumPath)('players and faults', () => {
  beforeAll(async () => {
    stage = await openStage();
    pages = await servePlayerPages();
  });
  afterAll(async () => {
    pages?.stop();
    await stage?.stop();
    if (!isPart) writeTable();
  });

  const open = (setting: PlayerSetting) =>
    stage.open(nameOf(setting), client => {
      const url = `${stage.demo.tracker}/play/${stage.video}.${setting.format}?client=${client}`;
      return `${pages.url}/page/${PLAYERS.indexOf(setting)}?url=${encodeURIComponent(url)}`;
    });

  for (const fault of faults) {
    it.each(groups.map(group => [group.map(nameOf).join(' and '), group] as const))(
      `${fault}: %s plays on elsewhere, and comes back`,
      { retry: isPart ? 0 : 1 },
      async (_, group) => {
        const viewers = [];
        for (const setting of group) viewers.push(await open(setting));
        try {
          const courses = await stage.run(viewers, fault, { faultSeconds: FAULT_S, returnSeconds: RETURN_S });
          for (const [index, course] of courses.entries()) {
            const name = nameOf(group[index] as PlayerSetting);
            outcomes.set(`${fault} ${name}`, course);
            console.log(`${fault}, ${name}: ${format(course)}`);
            if (isPart) console.log(viewers[index]?.log.join('\n'));
          }
          for (const [index, course] of courses.entries()) {
            const what = `${nameOf(group[index] as PlayerSetting)}, ${fault}: ${course.notes.join('; ')}`;
            expect(course.movedAfter, `moves: ${what}`).toBeDefined();
            expect(course.starvedSeconds, `stands still: ${what}`).toBeLessThanOrEqual(TOLERATED_S);
            expect(course.returnedAfter, `returns: ${what}`).toBeDefined();
          }
        } finally {
          for (const viewer of viewers) await viewer.page.close();
        }
      },
    );
  }
});

function nameOf({ player, setting }: PlayerSetting): string {
  return `${player}, ${setting}`;
}

const seconds = (value: number | undefined): string => (value === undefined ? 'never' : value.toFixed(1));
const format = ({ stalledSeconds, starvedSeconds, movedAfter, returnedAfter, notes }: Course): string =>
  `stalled ${seconds(stalledSeconds)} s (starved ${seconds(starvedSeconds)} s), moved after ${seconds(movedAfter)} s, returned after ${seconds(returnedAfter)} s ${notes.join('; ')}`;

/** Between two marks of the page, so that what people wrote around it stays. */
function writeTable(): void {
  const cell = (fault: Fault, setting: PlayerSetting): string => {
    const found = outcomes.get(`${fault} ${nameOf(setting)}`);
    return found
      ? `**${seconds(Math.max(0, found.stalledSeconds))}** · ${seconds(found.movedAfter)} · ${seconds(found.returnedAfter)}`
      : '–';
  };
  const lines = [
    `| | ${faults.map(fault => NAMES[fault]).join(' | ')} |`,
    `| --- |${faults.map(() => ' --- |').join('')}`,
    ...PLAYERS.map(setting => {
      const kind = setting.format === 'mpd' ? 'DASH' : 'HLS';
      return `| ${nameOf(setting)} (${kind}) | ${faults.map(fault => cell(fault, setting)).join(' | ')} |`;
    }),
  ];
  const [begin, end] = ['<!-- players: begin -->', '<!-- players: end -->'];
  const text = readFileSync(TABLE, 'utf8');
  const [head = '', rest = ''] = text.split(begin);
  writeFileSync(TABLE, `${head}${begin}\n\n${lines.join('\n')}\n\n${end}${rest.split(end)[1] ?? ''}`);
}
const NAMES: Readonly<Record<Fault, string>> = {
  none: '',
  kill: 'refuses (killed)',
  hang: 'accepts and never answers',
  slow: 'slow: 0.8 Mbit/s a connection',
};
