/**
 * The text of a WebVTT cue (W3C WebVTT, section "WebVTT cue text"). It is read as tokens and written again: only the tags of
 * WebVTT are kept, nested and closed, and everything else is text. Pure.
 */
import { formatWebVttTime } from '../../../../protocol/media/webvtt-time.ts';

const MAX_TEXT_CHARACTERS = 2_000;
const MAX_MARKUP_CHARACTERS = 8_000;
const MAX_ANNOTATION_CHARACTERS = 200;
const MAX_DEPTH = 16;

const TOKEN = /<[^<>]{0,500}>|<|[^<]+/g;
const START_TAG = /^<(c|i|b|u|ruby|rt|v|lang)((?:\.[A-Za-z0-9_-]{1,32}){0,8})(?:[ \t\n]([^<>]*))?>$/;
const END_TAG = /^<\/(c|i|b|u|ruby|rt|v|lang)>$/;
const TIMESTAMP = /^<(?:(\d{2,3}):)?(\d{2}):(\d{2})\.(\d{3})>$/;
/** Other tags, of HTML and SubRip, are removed. A `<` that begins none is text. */
const OTHER_TAG = /^<\/?[A-Za-z\d.!?]/;
const LANGUAGE = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}$/;

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  lrm: '\u200e',
  rlm: '\u200f',
};
/** Control characters. Bidi characters stay: WebVTT isolates each cue, so their effect ends with it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: naming them is the purpose of this pattern
const UNWANTED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff]/gu;
/** In the name of a speaker, an override, embedding or isolate could make it read as another name. */
const UNWANTED_IN_NAMES = /[\u202a-\u202e\u2066-\u2069]/gu;

/**
 * @param span of the cue in milliseconds: a timestamp tag outside it is removed
 * @returns the text as WebVTT; empty if the cue would show nothing
 */
export function cleanCueText(
  lines: readonly string[],
  span: { readonly startMs: number; readonly endMs: number },
): string {
  const source = lines.join('\n').slice(0, MAX_MARKUP_CHARACTERS);
  const open: string[] = [];
  let result = '';
  let characters = 0;
  for (const [token] of source.matchAll(TOKEN)) {
    const start = START_TAG.exec(token);
    const [, end] = END_TAG.exec(token) ?? [];
    const timestamp = TIMESTAMP.exec(token);
    if (start) {
      const tag = formatStartTag(start);
      if (tag === undefined || open.length >= MAX_DEPTH) continue;
      open.push(start[1] ?? '');
      result += tag;
    } else if (end !== undefined) {
      // "</ruby>" also ends an open "<rt>". Any other end tag ends the innermost tag, or nothing.
      if (end === 'ruby' && open.at(-1) === 'rt') result += `</${open.pop()}>`;
      if (open.at(-1) === end) result += `</${open.pop()}>`;
    } else if (timestamp) {
      const ms = toMs(timestamp);
      if (ms > span.startMs && ms < span.endMs) result += `<${formatWebVttTime(ms)}>`;
    } else if (!OTHER_TAG.test(token)) {
      const text = decodeText(token).slice(0, MAX_TEXT_CHARACTERS - characters);
      characters += text.length;
      result += escapeText(text);
    }
  }
  for (const tag of open.reverse()) result += `</${tag}>`;
  return trimLines(result);
}

/** @returns undefined for a tag that needs an annotation and has none */
function formatStartTag([, name = '', classes = '', annotation = '']: RegExpExecArray): string | undefined {
  if (name !== 'v' && name !== 'lang') return `<${name}${classes}>`;
  const text = decodeText(annotation)
    .replaceAll(UNWANTED_IN_NAMES, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_ANNOTATION_CHARACTERS);
  if (text === '' || (name === 'lang' && !LANGUAGE.test(text))) return undefined;
  return `<${name}${classes} ${escapeText(text)}>`;
}

function toMs([, hours = '0', minutes = '0', seconds = '0', fraction = '0']: RegExpExecArray): number {
  return ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000 + Number(fraction);
}

const decodeText = (text: string): string =>
  text
    .replaceAll(/&(?:(amp|lt|gt|quot|apos|nbsp|lrm|rlm)|#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6}));/g, decodeEntity)
    .replaceAll(UNWANTED, ' ');

function decodeEntity(entity: string, name?: string, decimal?: string, hex?: string): string {
  if (name !== undefined) return ENTITIES[name] ?? entity;
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
  const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return isCharacter ? String.fromCodePoint(code).replaceAll('\n', ' ') : '';
}

const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The text of a cue without tags, as a person reads it. Annotations of ruby are left out. @param text that was cleaned */
export const plainTextOf = (text: string): string =>
  decodeText(text.replaceAll(/<rt[^<>]*>[^<]*(?:<\/rt>)?/g, '').replaceAll(/<[^<>]*>/g, ''))
    .replaceAll(/\s+/g, ' ')
    .trim();

/** An empty line would end the cue. */
function trimLines(text: string): string {
  const lines = text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '');
  const result = lines.join('\n');
  return result.replaceAll(/<[^<>]*>/g, '').trim() === '' ? '' : result;
}
