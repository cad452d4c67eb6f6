/** `npm run simulate -- --seeds N [--from S]`: the last line is `N seeds, V violations`. */
import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      verbose: { type: 'boolean', default: false },
    },
  });
  const seeds = Number(values.seeds);
  const from = Number(values.from);
  if (!Number.isInteger(seeds) || seeds < 1 || !Number.isInteger(from) || from < 0) {
    console.error('Usage: npm run simulate -- --seeds N [--from S] [--verbose]');
    return 2;
  }
  let violations = 0;
  const startedMs = performance.now();
  for (let seed = from; seed < from + seeds; seed++) {
    const { violation, history } = await simulate(seed);
    if (values.verbose && !violation) console.log(`seed ${seed}:\n${history.join('\n')}\n`);
    if (!violation) continue;
    violations++;
    console.log(`seed ${seed}: ${violation}\n${history.join('\n')}\n`);
  }
  console.log(`${((performance.now() - startedMs) / seeds).toFixed(1)} ms a seed`);
  console.log(`${seeds} seeds, ${violations} violations`);
  return violations === 0 ? 0 : 1;
}
