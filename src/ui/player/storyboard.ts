/** Parses a storyboard, a WebVTT file whose cues name areas of a sprite, and finds the tile for a time. Pure except for the fetch. */
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

/** @param base URL of the storyboard, to which the names of sprites are relative */
export function parseStoryboard(text: string, base: string): readonly Tile[] {
  return [...text.matchAll(CUE)].map(match => {
    const number = (group: number): number => Number(match[group]);
    const seconds = (group: number): number =>
      number(group) * 3_600 + number(group + 1) * 60 + number(group + 2) + number(group + 3) / 1_000;
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

/** The last tile also covers the time after it: a storyboard may be a little shorter than its video. */
export const findTile = (tiles: readonly Tile[], seconds: number): Tile | undefined =>
  tiles.find(({ fromSeconds, toSeconds }) => seconds >= fromSeconds && seconds < toSeconds) ?? tiles.at(-1);

/** An empty list if the video has no storyboard at this site. A tracker redirects to the best site, where the sprite is as well. */
export async function fetchStoryboard(url: string, abort: AbortSignal): Promise<readonly Tile[]> {
  const response = await fetch(url, { signal: abort });
  return response.ok ? parseStoryboard(await response.text(), response.url) : [];
}
