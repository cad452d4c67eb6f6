/** `npm run simulate:choice -- --seeds N --days D [--from S]` prints a table, then one JSON object with the ratios to the oracle and to nearest. */
import { FULL, type Result, simulate } from './simulate.ts';
import { TRACKERS } from './trackers.ts';

const read = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} takes a positive number.`);
  return value;
};
const seeds = read('seeds', 3);
const from = read('from', 1);
const days = read('days', FULL.days);

const mean = (results: readonly Result[], of: (result: Result) => number): number =>
  results.reduce((sum, result) => sum + of(result), 0) / results.length;

const table = TRACKERS.map(tracker => {
  const results = Array.from({ length: seeds }, (_, at) =>
    simulate(tracker, { ...FULL, days, seed: from + at }),
  );
  return {
    tracker,
    results,
    throughputBps: mean(results, each => each.throughputBps),
    bitrateBps: mean(results, each => each.bitrateBps),
    stallSPerHour: mean(results, each => each.stallSPerHour),
    switchesPerHour: mean(results, each => each.switchesPerHour),
  };
});
const find = (tracker: string) => table.find(each => each.tracker === tracker) as (typeof table)[number];

console.log('| tracker | throughput, Mbit/s | bitrate, Mbit/s | stalls, s per hour | switches per hour |');
console.log('| --- | --- | --- | --- | --- |');
for (const { tracker, throughputBps, bitrateBps, stallSPerHour, switchesPerHour } of table) {
  const figures = [
    (throughputBps / 1e6).toFixed(2),
    (bitrateBps / 1e6).toFixed(2),
    stallSPerHour.toFixed(1),
    switchesPerHour.toFixed(1),
  ];
  console.log(`| ${tracker} | ${figures.join(' | ')} |`);
}
const worse = find('auto').results.filter((auto, at) => {
  const nearest = find('nearest').results[at] as Result;
  return auto.throughputBps < nearest.throughputBps || auto.stallSPerHour > nearest.stallSPerHour;
});
console.log(
  JSON.stringify({
    simulation: 'choice',
    seeds,
    days,
    ratios: {
      'auto throughput / oracle': find('auto').throughputBps / find('oracle').throughputBps,
      'auto throughput / nearest': find('auto').throughputBps / find('nearest').throughputBps,
      'nearest stalls / auto stalls':
        find('nearest').stallSPerHour / Math.max(0.001, find('auto').stallSPerHour),
    },
    'seeds in which auto was worse than nearest': worse.length,
  }),
);
