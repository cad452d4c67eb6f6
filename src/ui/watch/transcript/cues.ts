/** Reads the captions that a site serves (WebVTT, normalised) as lines of a transcript. Pure. */

export interface Line {
  readonly startMs: number;
  readonly endMs: number;
  readonly text: string;
  readonly speaker: string | undefined;
}

const TIMES = /^(?:(\d+):)?(\d\d):(\d\d)\.(\d{3}) --> (?:(\d+):)?(\d\d):(\d\d)\.(\d{3})/;
const VOICE = /<v(?:\.[^\s>]*)?\s+([^>]*)>/;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  nbsp: '\u00a0',
  lrm: '\u200e',
  rlm: '\u200f',
};

const decode = (text: string): string => text.replaceAll(/&(\w+);/g, (all, name) => ENTITIES[name] ?? all);

export function parseCues(text: string): readonly Line[] {
  const lines: Line[] = [];
  for (const block of text.replaceAll('\r\n', '\n').split(/\n{2,}/)) {
    const rows = block.split('\n');
    const at = rows.findIndex(row => TIMES.test(row));
    const times = at < 0 ? null : TIMES.exec(rows[at] ?? '');
    if (!times) continue;
    const toMs = (group: number): number =>
      Number(times[group] ?? 0) * 3_600_000 +
      Number(times[group + 1]) * 60_000 +
      Number(times[group + 2]) * 1_000 +
      Number(times[group + 3]);
    const payload = rows.slice(at + 1).join(' ');
    const content = decode(payload.replaceAll(/<[^>]*>/g, '')).trim();
    if (content === '') continue;
    const speaker = VOICE.exec(payload)?.[1];
    lines.push({
      startMs: toMs(1),
      endMs: toMs(5),
      text: content,
      speaker: speaker === undefined ? undefined : decode(speaker),
    });
  }
  return lines.sort((a, b) => a.startMs - b.startMs);
}

/** The line at a position, or the last one before it; −1 before the first. */
export function findLine(lines: readonly Line[], ms: number): number {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.startMs ?? 0) <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Compares texts without regard to case, width and accents. */
const fold = (text: string): string => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();

/** The indexes of the lines that contain the words. */
export function searchLines(lines: readonly Line[], query: string): readonly number[] {
  const wanted = fold(query.trim());
  if (wanted === '') return [];
  return lines.flatMap(({ text, speaker }, at) =>
    fold(text).includes(wanted) || fold(speaker ?? '').includes(wanted) ? [at] : [],
  );
}
