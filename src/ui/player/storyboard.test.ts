import { describe, expect, it } from 'vitest';
import { findTile, parseStoryboard } from './storyboard.ts';

const TEXT = `WEBVTT

00:00:00.000 --> 00:00:10.000
storyboard.jpg#xywh=0,0,160,90

00:00:10.000 --> 01:00:20.500
storyboard.jpg#xywh=160,90,160,90
`;

describe('a storyboard', () => {
  const tiles = parseStoryboard(TEXT, 'http://site.example/v/a/b/storyboard.vtt');
  it('is read as tiles of a sprite', () => {
    expect(tiles).toEqual([
      {
        fromSeconds: 0,
        toSeconds: 10,
        x: 0,
        y: 0,
        width: 160,
        height: 90,
        sprite: 'http://site.example/v/a/b/storyboard.jpg',
      },
      {
        fromSeconds: 10,
        toSeconds: 3_620.5,
        x: 160,
        y: 90,
        width: 160,
        height: 90,
        sprite: 'http://site.example/v/a/b/storyboard.jpg',
      },
    ]);
  });
  it('shows the tile of a time, and the last one after the end', () => {
    expect([0, 9.99, 10, 3_600, 9_999].map(seconds => findTile(tiles, seconds)?.x)).toEqual([
      0, 0, 160, 160, 160,
    ]);
    expect(findTile([], 3)).toBeUndefined();
  });
  it('skips cues that are no tiles', () => {
    const broken = 'WEBVTT\n\n00:00:00.000 --> 00:00:10.000\njust text\n';
    expect(parseStoryboard(broken, 'http://site.example/')).toEqual([]);
  });
});
