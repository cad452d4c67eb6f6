/** Divides a text into marked and unmarked parts. Pure. */

/** A range of a text in UTF-16 code units: the first one, and the one after the last. */
export type Mark = readonly [from: number, to: number];

export interface TextPart {
  readonly text: string;
  readonly isMarked: boolean;
}

/** A mark outside of the text is ignored. Marks that overlap or touch become one. A surrogate pair is never divided. */
export function splitMarks(text: string, marks: readonly Mark[]): readonly TextPart[] {
  const parts: TextPart[] = [];
  const add = (from: number, to: number, isMarked: boolean): void => {
    if (to > from) parts.push({ text: text.slice(from, to), isMarked });
  };
  let end = 0;
  for (const [from, to] of mergeMarks(text, marks)) {
    add(end, from, false);
    add(from, to, true);
    end = to;
  }
  add(end, text.length, false);
  return parts;
}

function mergeMarks(text: string, marks: readonly Mark[]): readonly Mark[] {
  const merged: [number, number][] = [];
  const whole = marks.map(([from, to]): Mark => [startOf(text, from), endOf(text, to)]);
  for (const [from, to] of whole.filter(mark => mark[1] > mark[0]).sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

const isInsidePair = (text: string, at: number): boolean =>
  /[\uDC00-\uDFFF]/.test(text.charAt(at)) && /[\uD800-\uDBFF]/.test(text.charAt(at - 1));
const clamp = (text: string, at: number): number => Math.min(text.length, Math.max(0, Math.trunc(at) || 0));
const startOf = (text: string, at: number): number => {
  const start = clamp(text, at);
  return isInsidePair(text, start) ? start - 1 : start;
};
const endOf = (text: string, at: number): number => {
  const end = clamp(text, at);
  return isInsidePair(text, end) ? end + 1 : end;
};
