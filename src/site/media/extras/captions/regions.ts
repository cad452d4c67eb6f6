/** The regions of a WebVTT file (W3C WebVTT, section "WebVTT region settings"): validated, and formatted again. Pure. */
import { PERCENT } from './cue-settings.ts';

export interface Region {
  readonly id: string;
  /** Its settings without the id, one per line, perhaps none. */
  readonly settings: string;
}

const MAX_REGIONS = 32;
const ID = /^[\p{L}\p{N}_.-]{1,40}$/u;
const POINT = new RegExp(`^${PERCENT},${PERCENT}$`);
const SETTINGS: readonly (readonly [name: string, value: RegExp])[] = [
  ['width', new RegExp(`^${PERCENT}$`)],
  ['lines', /^\d{1,3}$/],
  ['regionanchor', POINT],
  ['viewportanchor', POINT],
  ['scroll', /^up$/],
];

/** @param lines up to the first cue: later regions are not allowed */
export function parseRegions(lines: readonly string[]): ReadonlyMap<string, Region> {
  const regions = new Map<string, Region>();
  for (let at = 0; at < lines.length && regions.size < MAX_REGIONS; at++) {
    if (!/^REGION[ \t]*$/.test(lines[at] ?? '')) continue;
    const values = new Map<string, string>();
    for (let next = lines[++at]; next?.trim(); next = lines[++at]) {
      for (const token of next.slice(0, 500).split(/\s+/)) {
        const [name = '', value = ''] = token.split(/:(.*)/s);
        values.set(name, value);
      }
    }
    const id = values.get('id') ?? '';
    if (!ID.test(id)) continue;
    const valid = SETTINGS.filter(([name, pattern]) => pattern.test(values.get(name) ?? ''));
    regions.set(id, { id, settings: valid.map(([name]) => `${name}:${values.get(name)}`).join('\n') });
  }
  return regions;
}

export const formatRegion = ({ id, settings }: Region): string =>
  `REGION\nid:${id}\n${settings}${settings && '\n'}`;
