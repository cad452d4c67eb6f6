/** Parses SubStation Alpha (SSA and ASS) into cues that are not cleaned yet: styles become tags, places become settings. Pure. */
import { alignmentOfSsa, convertOverrides, type PlayResolution } from './ssa-overrides.ts';

/** A cue as its file has it. */
export interface RawCue {
  readonly startMs: number;
  readonly endMs: number;
  readonly settings: string;
  readonly lines: readonly string[];
}

const DEFAULT_RESOLUTION: PlayResolution = { width: 384, height: 288 };
const EVENT_FIELDS = 'layer,start,end,style,name,marginl,marginr,marginv,effect,text'.split(',');
const TIME = /^(\d{1,3}):(\d{2}):(\d{2})[.:](\d{1,3})$/;
/** In old files, `NTP` stands for no name. */
const NO_NAME = /^(?:|NTP|Default)$/i;

export const isAss = (text: string): boolean => /^\ufeff?\s*\[Script Info\]/i.test(text);

export function parseAss(lines: readonly string[]): readonly RawCue[] {
  const cues: RawCue[] = [];
  const alignments = new Map<string, number>();
  let [section, fields, resolution] = ['', EVENT_FIELDS, DEFAULT_RESOLUTION];
  for (const line of lines) {
    const heading = /^\s*\[([^\]]{1,40})\]/.exec(line)?.[1];
    if (heading !== undefined) {
      section = heading.toLowerCase();
      fields = EVENT_FIELDS;
      continue;
    }
    const [, key = '', value = ''] = /^\s*([A-Za-z]{1,20})\s*:\s*(.*)$/.exec(line) ?? [];
    const name = key.toLowerCase();
    const size = Number(value);
    if (name === 'playresx' && size > 0) resolution = { ...resolution, width: size };
    else if (name === 'playresy' && size > 0) resolution = { ...resolution, height: size };
    else if (name === 'format') fields = value.split(',').map(field => field.trim().toLowerCase());
    else if (name === 'style' && section.endsWith('styles')) {
      const values = split(value, fields);
      const number = Number(values.get('alignment'));
      const alignment = section.includes('+') ? number : alignmentOfSsa(number);
      if (alignment && alignment <= 9) alignments.set(values.get('name') ?? '', alignment);
    } else if (name === 'dialogue' && section === 'events') {
      cues.push(readDialogue(split(value, fields), alignments, resolution));
    }
  }
  return cues;
}

function readDialogue(
  values: ReadonlyMap<string, string>,
  alignments: ReadonlyMap<string, number>,
  resolution: PlayResolution,
): RawCue {
  const alignment = alignments.get((values.get('style') ?? '').replace(/^\*/, ''));
  const converted = convertOverrides(values.get('text') ?? '', { alignment, resolution, isPlainText: true });
  const speaker = values.get('name') ?? '';
  const prefix = NO_NAME.test(speaker) ? '' : `<v ${speaker.replaceAll(/[<>&]/g, ' ')}>`;
  return {
    startMs: toMs(values.get('start')),
    endMs: toMs(values.get('end')),
    settings: converted.settings,
    lines: `${prefix}${converted.text}`.split('\n'),
  };
}

/** The last field contains commas. */
function split(text: string, fields: readonly string[]): ReadonlyMap<string, string> {
  const values = text.split(',');
  const last = values.splice(fields.length - 1).join(',');
  return new Map(fields.map((field, index) => [field, (values[index] ?? last).trim()]));
}

/** @returns NaN if it is not a time */
function toMs(text = ''): number {
  const [, hours, minutes, seconds, fraction = ''] = TIME.exec(text) ?? [];
  return (
    ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000 + Number(fraction.padEnd(3, '0'))
  );
}
