/** A position in a video as a part of an address (`?t=83`, `?t=1m23s`, `?t=1:23`) and of a text. Pure. */

const UNITS = /^(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s?)?$/;
const CLOCK = /^(?:(\d{1,3}):)?(\d{1,3}):([0-5]\d)$/;

/** In milliseconds; undefined if the text is not a time. */
export function parseTime(text: string): number | undefined {
  const parts = text === '' ? null : (CLOCK.exec(text) ?? UNITS.exec(text));
  if (!parts) return undefined;
  const [hours, minutes, seconds] = parts.slice(1).map(part => Number(part ?? 0));
  return ((hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0)) * 1_000;
}

const formatTime = (ms: number): string => String(Math.floor(Math.max(0, ms) / 1_000));

/** The address with the position; without one for the beginning. */
export function addTime(address: string, ms: number): string {
  const url = new URL(address);
  if (ms >= 1_000) url.searchParams.set('t', formatTime(ms));
  else url.searchParams.delete('t');
  return url.href;
}

const TIME_IN_TEXT = /(?<![\d:.])(?:\d{1,2}:)?[0-5]?\d:[0-5]\d(?![\d:])/g;

/** The pieces of a text, and with each time in it the position that it names. */
export function splitTimes(
  text: string,
  durationMs: number,
): readonly { readonly text: string; readonly ms?: number }[] {
  const pieces: { text: string; ms?: number }[] = [];
  let end = 0;
  for (const match of text.matchAll(TIME_IN_TEXT)) {
    const ms = parseTime(match[0]);
    if (ms === undefined || ms > durationMs) continue;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index) });
    pieces.push({ text: match[0], ms });
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}
