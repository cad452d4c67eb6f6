/** What is wrong with a cue, or hard to read. Pure. */
import type { EditorCue } from './webvtt.ts';

export type Warning = 'empty' | 'overlap' | 'fast' | 'short' | 'long' | 'late';

/** Common limits of broadcasters, for languages with and without spaces. */
const LIMITS = {
  spaced: { charactersPerSecond: 21, lineCharacters: 42 },
  unspaced: { charactersPerSecond: 11, lineCharacters: 20 },
} as const;
const MIN_MS = 700;
const MAX_LINES = 2;
const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;

const plain = (text: string): string => text.replaceAll(/<[^<>]*>/g, '');

/** Characters per second, for the display. */
export function speedOf({ startMs, endMs, text }: EditorCue): number {
  const characters = [...plain(text).replaceAll('\n', '')].length;
  return endMs > startMs ? (characters * 1_000) / (endMs - startMs) : 0;
}

/** @param next the following cue */
export function findWarnings(
  cue: EditorCue,
  next: EditorCue | undefined,
  durationMs: number | undefined,
): readonly Warning[] {
  const text = plain(cue.text);
  const isUnspaced = (text.match(WIDE)?.length ?? 0) > text.length / 3;
  const limits = isUnspaced ? LIMITS.unspaced : LIMITS.spaced;
  const found: Warning[] = [];
  if (text.trim() === '') found.push('empty');
  if (next && next.startMs < cue.endMs) found.push('overlap');
  if (speedOf(cue) > limits.charactersPerSecond) found.push('fast');
  if (cue.endMs - cue.startMs < MIN_MS) found.push('short');
  if ([...text].length > MAX_LINES * limits.lineCharacters) found.push('long');
  if (durationMs !== undefined && cue.startMs >= durationMs) found.push('late');
  return found;
}
