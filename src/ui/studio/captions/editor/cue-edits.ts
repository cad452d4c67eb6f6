/** The changes of the editor to a list of cues. Each returns a new list in the order of the times. Pure. */
import type { EditorCue } from './webvtt.ts';

export type Cues = readonly EditorCue[];
export type CuePatch = Partial<Omit<EditorCue, 'id'>>;

const MIN_CUE_MS = 100;
const NEW_CUE_MS = 2_000;
/** 100 hours, as a site accepts. */
const MAX_MS = 360_000_000;

const inOrder = (cues: Cues): Cues => {
  const isSorted = cues.every((cue, index) => index === 0 || compare(cues[index - 1] ?? cue, cue) <= 0);
  return isSorted ? cues : cues.toSorted(compare);
};
const compare = (a: EditorCue, b: EditorCue): number => a.startMs - b.startMs || a.endMs - b.endMs;
const bound = (ms: number): number => Math.min(MAX_MS, Math.max(0, Math.round(ms)));
const nextId = (cues: Cues): number => cues.reduce((most, { id }) => Math.max(most, id), 0) + 1;

/** An end before the start moves behind it. */
export function changeCue(cues: Cues, id: number, patch: CuePatch): Cues {
  return inOrder(
    cues.map(cue => {
      if (cue.id !== id) return cue;
      const next = { ...cue, ...patch };
      const startMs = bound(next.startMs);
      return { ...next, startMs, endMs: Math.max(bound(next.endMs), startMs + MIN_CUE_MS) };
    }),
  );
}

export const removeCue = (cues: Cues, id: number): Cues => cues.filter(cue => cue.id !== id);

/** Adds an empty cue after one, or at a time. @returns the list and the id of the new cue */
export function addCue(
  cues: Cues,
  place: { readonly after: number } | { readonly atMs: number },
): [Cues, number] {
  const id = nextId(cues);
  const index = 'after' in place ? cues.findIndex(cue => cue.id === place.after) : -1;
  const before = cues[index];
  const startMs = before ? before.endMs : bound('atMs' in place ? place.atMs : 0);
  const following = before ? cues[index + 1] : cues.find(cue => cue.startMs >= startMs);
  const freeMs = following ? following.startMs - startMs : NEW_CUE_MS;
  const endMs = startMs + (freeMs >= MIN_CUE_MS ? Math.min(NEW_CUE_MS, freeMs) : NEW_CUE_MS);
  const settings = before?.settings ?? '';
  const added: EditorCue = { id, startMs, endMs, speaker: before?.speaker ?? '', text: '', settings };
  const at = before ? index + 1 : cues.length;
  return [inOrder([...cues.slice(0, at), added, ...cues.slice(at)]), id];
}

/** Splits a cue at a character of its text. The time is divided in the same proportion. */
export function splitCue(cues: Cues, id: number, at: number): [Cues, number] {
  const index = cues.findIndex(cue => cue.id === id);
  const cue = cues[index];
  if (!cue || cue.endMs - cue.startMs < 2 * MIN_CUE_MS) return [cues, id];
  const isInside = at > 0 && at < cue.text.length;
  const cut = isInside ? at : nearestSpace(cue.text);
  const share = cue.text.length === 0 ? 0.5 : Math.min(0.9, Math.max(0.1, cut / cue.text.length));
  const middle = Math.round(cue.startMs + share * (cue.endMs - cue.startMs));
  const second = { ...cue, id: nextId(cues), startMs: middle, text: cue.text.slice(cut).trim() };
  const first = { ...cue, endMs: middle, text: cue.text.slice(0, cut).trim() };
  return [inOrder([...cues.slice(0, index), first, second, ...cues.slice(index + 1)]), second.id];
}

/** The space or line break closest to the middle; the middle if there is none. */
function nearestSpace(text: string): number {
  const middle = Math.floor(text.length / 2);
  const spaces = [...text.matchAll(/\s/g)].map(({ index }) => index);
  return spaces.reduce(
    (best, at) => (Math.abs(at - middle) < Math.abs(best - middle) ? at : best),
    spaces[0] ?? middle,
  );
}

/** Joins a cue with the next one. */
export function joinCue(cues: Cues, id: number): Cues {
  const index = cues.findIndex(cue => cue.id === id);
  const [cue, next] = [cues[index], cues[index + 1]];
  if (!cue || !next) return cues;
  const text = [cue.text, next.text].filter(Boolean).join(hasSpaces(cue.text + next.text) ? '\n' : '');
  const joined = {
    ...cue,
    endMs: Math.max(cue.endMs, next.endMs),
    speaker: cue.speaker || next.speaker,
    text,
  };
  return [...cues.slice(0, index), joined, ...cues.slice(index + 2)];
}

/** Chinese and Japanese are written without spaces. */
const hasSpaces = (text: string): boolean =>
  !/^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{P}\s]+$/u.test(text);

/** Moves all cues, or those from one on. A cue that would end before 0 keeps its length at 0. */
export function shiftCues(cues: Cues, byMs: number, fromId?: number): Cues {
  const from = fromId === undefined ? 0 : cues.findIndex(cue => cue.id === fromId);
  return inOrder(
    cues.map((cue, index) => {
      if (index < from) return cue;
      const startMs = bound(cue.startMs + byMs);
      return { ...cue, startMs, endMs: startMs + cue.endMs - cue.startMs };
    }),
  );
}

export interface Search {
  readonly text: string;
  readonly isCaseSensitive: boolean;
}

const fold = (text: string, { isCaseSensitive }: Search): string =>
  isCaseSensitive ? text : text.toLowerCase();
const includesText = (cue: EditorCue, search: Search): boolean =>
  search.text !== '' && fold(cue.text, search).includes(fold(search.text, search));

/** @returns the ids of the cues with this text */
export const findText = (cues: Cues, search: Search): readonly number[] =>
  search.text === '' ? [] : cues.filter(cue => includesText(cue, search)).map(({ id }) => id);

/** Replaces the text in all cues, or in one. */
export function replaceText(cues: Cues, search: Search, replacement: string, only?: number): Cues {
  const escaped = search.text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&');
  if (escaped === '') return cues;
  const pattern = new RegExp(escaped, search.isCaseSensitive ? 'gu' : 'giu');
  return cues.map(cue =>
    only !== undefined && cue.id !== only
      ? cue
      : { ...cue, text: cue.text.replaceAll(pattern, () => replacement) },
  );
}

/** The cue that is shown at a time: the last one that has begun, if it has not ended. */
export function findCueAt(cues: Cues, ms: number): EditorCue | undefined {
  let [low, high] = [0, cues.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cues[middle]?.startMs ?? 0) <= ms) low = middle + 1;
    else high = middle;
  }
  const cue = cues[low - 1];
  return cue && cue.endMs > ms ? cue : undefined;
}
