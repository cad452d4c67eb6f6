/** Positions in a video as people type them, and chapters that are pasted as lines. Pure. */

/** `1:02:03`, `4:05` or `4:05.5`. Minutes and seconds are below 60, except the first number. */
export function parseTime(text: string): number | undefined {
  const match = /^\s*(?:(\d{1,3}):)?(\d{1,3}):(\d{2}(?:[.,]\d{1,3})?)\s*$/.exec(text);
  if (!match) return undefined;
  const [, hours = '0', minutes = '0', seconds = '0'] = match;
  const s = Number(seconds.replace(',', '.'));
  if (s >= 60 || (match[1] !== undefined && Number(minutes) >= 60)) return undefined;
  return Math.round((Number(hours) * 3_600 + Number(minutes) * 60 + s) * 1_000);
}

/** Milliseconds are shown only if there are some, so that a value that was loaded is saved unchanged. */
export function formatTime(ms: number): string {
  const total = Math.floor(ms / 1_000);
  const [hours, minutes, seconds] = [Math.floor(total / 3_600), Math.floor(total / 60) % 60, total % 60];
  const rest = ms % 1_000 === 0 ? '' : `.${String(ms % 1_000).padStart(3, '0')}`;
  const tail = `${String(seconds).padStart(2, '0')}${rest}`;
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}

/** Lines such as `00:00 Introduction`, `[1:02:03] - Part two` or `12:30 – Questions`. Undefined if a line has no time. */
export function parseChapterLines(
  text: string,
): readonly { readonly start: string; readonly title: string }[] | undefined {
  const lines = text.split(/\r?\n/).filter(line => line.trim() !== '');
  const chapters = lines.map(line => {
    const match = /^\s*[[(]?((?:\d{1,3}:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?)[\])]?\s*[-–—:.|]?\s*(.*)$/.exec(
      line,
    );
    const startMs = match?.[1] === undefined ? undefined : parseTime(match[1]);
    return startMs === undefined
      ? undefined
      : { start: formatTime(startMs), title: match?.[2]?.trim() ?? '' };
  });
  return chapters.length > 0 && chapters.every(chapter => chapter !== undefined) ? chapters : undefined;
}
