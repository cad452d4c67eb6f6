/**
 * Captions as cues: times, settings and text. WebVTT, SubRip and SubStation Alpha are parsed into cues and formatted again, so that no
 * style sheet, foreign markup or script of the uploader reaches a player. Pure.
 */

import { MAX_CAPTIONS_BYTES } from '../../../../protocol/base/limits.ts';
import { formatWebVttTime } from '../../../../protocol/media/webvtt-time.ts';
import { isAss, parseAss, type RawCue } from './ass.ts';
import { parseCueSettings } from './cue-settings.ts';
import { cleanCueText } from './cue-text.ts';
import { decodeCaptions } from './decode.ts';
import { formatRegion, parseRegions, type Region } from './regions.ts';
import { convertOverrides } from './ssa-overrides.ts';

export interface Cue {
  readonly startMs: number;
  readonly endMs: number;
  /** Valid settings of WebVTT, perhaps none. */
  readonly settings: string;
  /** The region that the settings name. */
  readonly region?: Region;
  /** Cue text of WebVTT, perhaps several lines. Everything in it is escaped, except the tags of WebVTT. */
  readonly text: string;
}

const MAX_CUES = 20_000;
/** Of the text of one cue, before it is cleaned. */
const MAX_RAW_CHARACTERS = 10_000;
const MAX_TIME_MS = 100 * 3_600_000;

export class CaptionsRejected extends Error {
  override readonly name = 'CaptionsRefused';
}

/** `00:01:02,500`, `01:02.500`: hours may be missing (WebVTT), the fraction may follow a comma (SubRip). */
const TIME = '(?:(\\d{1,3}):)?(\\d{1,2}):(\\d{2})[.,](\\d{1,3})';
const TIMING = new RegExp(`^\\s*${TIME}\\s*-->\\s*${TIME}(?:\\s(.*))?$`);

/**
 * @param language of the text (BCP 47); it selects the encoding of files that are not UTF-8 or UTF-16
 * @throws CaptionsRejected with a message for the uploader
 */
export function parseCaptions(bytes: Buffer, language?: string): readonly Cue[] {
  const cues = parseCues(bytes, language);
  if (cues.length === 0) {
    throw new CaptionsRejected(
      'No captions found in this file. Upload WebVTT (.vtt), SubRip (.srt) or SubStation Alpha (.ass).',
    );
  }
  return cues;
}

/** As `parseCaptions`, for files that may have no cue yet. */
export function parseCues(bytes: Buffer, language?: string): readonly Cue[] {
  if (bytes.length > MAX_CAPTIONS_BYTES) {
    throw new CaptionsRejected(
      'The caption file is larger than 1 MB. Upload a file that contains only text.',
    );
  }
  const text = decodeCaptions(bytes, language);
  const lines = text.replaceAll('\r\n', '\n').replaceAll('\r', '\n').split('\n');
  const cues: Cue[] = [];
  const regions = new Map<string, Region>();
  const add = ({ startMs, endMs, settings, lines }: RawCue): void => {
    const clean = cleanCueText(lines, { startMs, endMs });
    if (clean === '' || !(endMs > startMs) || endMs > MAX_TIME_MS) return;
    const kept = parseCueSettings(settings, regions);
    const region = regions.get(/(?:^| )region:(\S+)/.exec(kept)?.[1] ?? '');
    cues.push({ startMs, endMs, settings: kept, ...(region ? { region } : {}), text: clean });
    if (cues.length > MAX_CUES) {
      throw new CaptionsRejected(
        `The caption file has more than ${MAX_CUES} cues. Upload a file with fewer cues.`,
      );
    }
  };
  if (isAss(text)) parseAss(lines).forEach(add);
  else {
    const first = lines.findIndex(line => TIMING.test(line));
    for (const [id, region] of parseRegions(lines.slice(0, Math.max(0, first)))) regions.set(id, region);
    for (const raw of readTimedLines(lines)) add(raw);
  }
  return cues.sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
}

/** The cues of WebVTT and SubRip. */
function* readTimedLines(lines: readonly string[]): Generator<RawCue> {
  for (let at = 0; at < lines.length; at++) {
    const timing = TIMING.exec(lines[at] ?? '');
    if (!timing) continue;
    const text: string[] = [];
    // If the empty line between two cues is missing, the second must not become text of the first.
    for (let next = lines[at + 1]; next?.trim() && !TIMING.test(next); next = lines[at + 1]) {
      text.push(next);
      at++;
    }
    const converted = convertOverrides(text.join('\n').slice(0, MAX_RAW_CHARACTERS));
    yield {
      startMs: toMs(timing, 1),
      endMs: toMs(timing, 5),
      // What the file says of the place comes after the overrides, and wins.
      settings: `${converted.settings} ${timing[9] ?? ''}`,
      lines: converted.text.split('\n'),
    };
  }
}

function toMs(timing: RegExpExecArray, from: number): number {
  const [hours = '0', minutes = '0', seconds = '0', fraction = '0'] = timing.slice(from, from + 4);
  return (
    ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000 + Number(fraction.padEnd(3, '0'))
  );
}

/** WebVTT (W3C) with the timestamp map that HLS requires (RFC 8216bis, section 3.1.4). */
export function formatWebVtt(cues: readonly Cue[]): string {
  const blocks = cues.map(
    ({ startMs, endMs, settings, text }) =>
      `${formatWebVttTime(startMs)} --> ${formatWebVttTime(endMs)}${settings && ` ${settings}`}\n${text}\n`,
  );
  const regions = new Map(cues.flatMap(({ region }) => (region ? [[region.id, region]] : [])));
  return [
    'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n',
    ...[...regions.values()].map(formatRegion),
    ...blocks,
  ].join('\n');
}

/** The cues that are visible within a span, with unchanged times. A cue across a boundary is in both segments. */
export const cuesWithin = (cues: readonly Cue[], fromMs: number, toMs: number): readonly Cue[] =>
  cues.filter(({ startMs, endMs }) => startMs < toMs && endMs > fromMs);
