/**
 * The cues of a caption track as the editor holds them, and the WebVTT in which the site stores them. It reads only WebVTT of our sites,
 * which has one form. Pure.
 */
import { formatWebVttTime } from '../../../../protocol/media/webvtt-time.ts';

export interface EditorCue {
  /** Unique within the editor. */
  readonly id: number;
  readonly startMs: number;
  readonly endMs: number;
  /** The speaker; empty if nobody is named. */
  readonly speaker: string;
  /** Lines of text. Tags of WebVTT, such as `<i>`, are part of it. */
  readonly text: string;
  /** Settings of WebVTT, such as `line:0`. */
  readonly settings: string;
}

export interface CaptionsFile {
  /** The regions, as they are. */
  readonly head: string;
  readonly cues: readonly EditorCue[];
}

const TIMING = /^(\d{2,}):(\d{2}):(\d{2})\.(\d{3}) --> (\d{2,}):(\d{2}):(\d{2})\.(\d{3})(?: (.*))?$/;
/** A `<v>` span that encloses the whole text. */
const SPEAKER = /^<v(?:\.[\w.-]+)? ([^<>]*)>([\s\S]*?)<\/v>$/;
const ENTITY = /&(amp|lt|gt|nbsp|lrm|rlm);/g;
const CHARACTERS: Readonly<Record<string, string>> = {
  amp: '&',
  nbsp: '\u00a0',
  lrm: '\u200e',
  rlm: '\u200f',
};
/** What would be read as a tag or an entity. */
const TAG_START = /^[A-Za-z\d/.!?]/;
const ENTITY_REST = /^(?:amp|lt|gt|quot|apos|nbsp|lrm|rlm|#\d{1,7}|#[xX][\dA-Fa-f]{1,6});/;

export function parseWebVtt(text: string): CaptionsFile {
  const blocks = text.replaceAll('\r\n', '\n').split(/\n\n+/);
  const cues: EditorCue[] = [];
  const regions: string[] = [];
  for (const block of blocks) {
    const lines = block.replace(/\n+$/, '').split('\n');
    const timing = TIMING.exec(lines[0] ?? '');
    if (timing) {
      const [speaker, content] = splitSpeaker(lines.slice(1).join('\n'));
      cues.push({
        id: cues.length + 1,
        startMs: toMs(timing, 1),
        endMs: toMs(timing, 5),
        speaker: decode(speaker),
        text: decode(content),
        settings: timing[9] ?? '',
      });
    } else if (lines[0] === 'REGION') regions.push(lines.join('\n'));
  }
  return { head: regions.join('\n\n'), cues };
}

/** Cues without text are left out: WebVTT has none. */
export function formatWebVtt({ head, cues }: CaptionsFile): string {
  const blocks = cues
    .filter(({ text }) => text.trim() !== '')
    .map(({ startMs, endMs, settings, speaker, text }) => {
      const timing = `${formatWebVttTime(startMs)} --> ${formatWebVttTime(endMs)}`;
      return `${timing}${settings && ` ${settings}`}\n${formatText(speaker, text)}`;
    });
  return `${['WEBVTT', ...(head ? [head] : []), ...blocks].join('\n\n')}\n`;
}

function splitSpeaker(text: string): readonly [speaker: string, text: string] {
  const [, speaker, rest = ''] = SPEAKER.exec(text) ?? [];
  return speaker === undefined || /<\/?v[ .>]/.test(rest) ? ['', text] : [speaker, rest];
}

function formatText(speaker: string, text: string): string {
  const lines = text.split('\n').filter(line => line.trim() !== '');
  const content = lines.join('\n').replaceAll('-->', '--&gt;');
  const name = speaker.replaceAll(/[<>\n]/g, ' ').trim();
  return name === '' ? content : `<v ${name.replaceAll('&', '&amp;')}>${content}</v>`;
}

/** `&lt;i>` stays as it is, so that it does not become a tag. */
const decode = (text: string): string =>
  text.replaceAll(ENTITY, (entity, name: string, at: number) => {
    const rest = text.slice(at + entity.length);
    if (name === 'amp') return ENTITY_REST.test(rest) ? entity : '&';
    if (name === 'lt') return TAG_START.test(rest) ? entity : '<';
    if (name === 'gt') return '>';
    return CHARACTERS[name] ?? entity;
  });

function toMs(parts: RegExpExecArray, from: number): number {
  const [hours, minutes, seconds, fraction] = parts.slice(from, from + 4).map(Number);
  return (((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1_000 + (fraction ?? 0);
}
