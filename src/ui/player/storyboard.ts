/** Reads a storyboard (WebVTT whose cues name places in a sprite) and finds what is shown at a time. Pure but for the fetch. */
export interface Tile {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly sprite: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const CUE =
  /^(\d+):(\d\d):(\d\d)\.(\d{3}) --> (\d+):(\d\d):(\d\d)\.(\d{3})\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$/gm;

/** @param base URL of the storyboard: sprites are named relative to it */
export function parseStoryboard(text: string, base: string): readonly Tile[] {
  return [...text.matchAll(CUE)].map(match => {
    const number = (at: number): number => Number(match[at]);
    const seconds = (at: number): number =>
      number(at) * 3_600 + number(at + 1) * 60 + number(at + 2) + number(at + 3) / 1_000;
    return {
      fromSeconds: seconds(1),
      toSeconds: seconds(5),
      sprite: new URL(match[9] ?? '', base).href,
      x: number(10),
      y: number(11),
      width: number(12),
      height: number(13),
    };
  });
}

export const findTile = (tiles: readonly Tile[], seconds: number): Tile | undefined =>
  tiles.find(({ fromSeconds, toSeconds }) => seconds >= fromSeconds && seconds < toSeconds) ?? tiles.at(-1);

export async function fetchStoryboard(url: string, signal: AbortSignal): Promise<readonly Tile[]> {
  const response = await fetch(url, { signal });
  return response.ok ? parseStoryboard(await response.text(), url) : [];
}
