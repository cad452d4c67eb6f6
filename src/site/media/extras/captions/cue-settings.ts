/** The settings of a WebVTT cue (W3C WebVTT, section "WebVTT cue settings list"): validated, and formatted again. Pure. */

export const PERCENT = '(?:100(?:\\.0{1,6})?|\\d{1,2}(?:\\.\\d{1,6})?)%';
/** Names of the settings and their values. The region comes after them. */
const SETTINGS: readonly (readonly [name: string, value: RegExp])[] = [
  ['vertical', /^(?:rl|lr)$/],
  ['line', new RegExp(`^(?:-?\\d{1,3}|${PERCENT})(?:,(?:start|center|end))?$`)],
  ['position', new RegExp(`^${PERCENT}(?:,(?:line-left|center|line-right))?$`)],
  ['size', new RegExp(`^${PERCENT}$`)],
  ['align', /^(?:start|center|end|left|right)$/],
];
/** A value of an early draft of WebVTT that many files still have. */
const EARLY_VALUES: Readonly<Record<string, string>> = { 'align:middle': 'align:center' };

/**
 * Parses what follows the times of a cue.
 *
 * @param regions a cue can refer to these
 * @returns the valid settings as WebVTT, or an empty text
 */
export function parseCueSettings(text: string, regions: { has(id: string): boolean } = new Set()): string {
  const values = new Map<string, string>();
  for (const token of text.slice(0, 500).split(/\s+/)) {
    const [name = '', value = ''] = (EARLY_VALUES[token] ?? token).split(/:(.*)/s);
    if (name === 'region' ? regions.has(value) : isValid(name, value)) values.set(name, value);
  }
  return NAMES.flatMap(name => (values.has(name) ? [`${name}:${values.get(name)}`] : [])).join(' ');
}

const NAMES = [...SETTINGS.map(([name]) => name), 'region'];
const isValid = (name: string, value: string): boolean =>
  SETTINGS.some(([known, pattern]) => known === name && pattern.test(value));
