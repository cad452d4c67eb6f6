/** Writes the table of docs/playback.md (players × faults) from the results of a run. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Fault } from './fault-switch.ts';
import type { PlaybackResult } from './player-lab.ts';

const PAGE = 'docs/playback.md';
/** Only the text between these two markers is replaced. */
const [BEGIN, END] = ['<!-- players: begin -->', '<!-- players: end -->'];
const NAMES: Readonly<Record<Fault, string>> = {
  none: '',
  kill: 'refuses (killed)',
  hang: 'accepts, never responds',
  slow: 'slow: 0.8 Mbit/s per connection',
};

export interface Row {
  readonly name: string;
  readonly results: ReadonlyMap<Fault, PlaybackResult>;
  /** The reason, as text, why a requirement cannot be met for a fault. */
  readonly cannot: Partial<Record<Fault, string>>;
}

export const formatSeconds = (value: number | undefined): string =>
  value === undefined ? 'never' : Math.max(0, value).toFixed(1);

export function writeTable(rows: readonly Row[], faults: readonly Fault[]): void {
  const reasons = [...new Set(rows.flatMap(({ cannot }) => faults.flatMap(fault => cannot[fault] ?? [])))];
  const cell = ({ results, cannot }: Row, fault: Fault): string => {
    const result = results.get(fault);
    if (!result) return '–';
    const { starvedSeconds, movedAfter, returnedAfter } = result;
    const reason = cannot[fault];
    const mark = reason === undefined ? '' : ` (${reasons.indexOf(reason) + 1})`;
    return `**${formatSeconds(starvedSeconds)}** · ${formatSeconds(movedAfter)} · ${formatSeconds(returnedAfter)}${mark}`;
  };
  const lines = [
    `| | ${faults.map(fault => NAMES[fault]).join(' | ')} |`,
    `| --- |${faults.map(() => ' --- |').join('')}`,
    ...rows.map(row => `| ${row.name} | ${faults.map(fault => cell(row, fault)).join(' | ')} |`),
    '',
    ...reasons.map((reason, at) => `${at + 1}. ${reason}`),
  ];
  const [head = '', rest = ''] = readFileSync(PAGE, 'utf8').split(BEGIN);
  writeFileSync(
    PAGE,
    `${head}${BEGIN}\n\n${lines.join('\n').trimEnd()}\n\n${END}${rest.split(END)[1] ?? ''}`,
  );
}
