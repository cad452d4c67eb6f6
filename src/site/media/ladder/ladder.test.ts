import { describe, expect, it } from 'vitest';
import { chooseFirstRendition, chooseRenditions, DEFAULT_LADDER, type LadderSource } from './ladder.ts';

const choose = (source: LadderSource): readonly string[] =>
  chooseRenditions(DEFAULT_LADDER, source).map(
    ({ id, width, height, kbps }) => `${id} ${width}x${height} ${kbps}`,
  );

describe('the renditions of an unplayable source', () => {
  it.each<[string, number, number, readonly string[]]>([
    ['full HD', 1_920, 1_080, ['h264-1080 1920x1080 5000', 'h264-720 1280x720 2800', 'h264-360 640x360 800']],
    ['upright', 1_080, 1_920, ['h264-1080 1080x1920 5000', 'h264-720 720x1280 2800', 'h264-360 360x640 800']],
    [
      'ultra HD: up to the highest entry',
      3_840,
      2_160,
      ['h264-1080 1920x1080 5000', 'h264-720 1280x720 2800', 'h264-360 640x360 800'],
    ],
    [
      'between two entries: at most its own size',
      768,
      576,
      ['h264-576 768x576 2800', 'h264-360 480x360 800'],
    ],
    ['just above an entry: that entry is enough', 700, 394, ['h264-360 638x360 800']],
    ['below the lowest entry', 161, 121, ['h264-121 160x120 800']],
  ])('%s', (_what, width, height, expected) => {
    expect(choose({ width, height })).toEqual(expected);
  });

  it('start with the lowest', () => {
    expect(chooseFirstRendition(DEFAULT_LADDER, { width: 1_920, height: 1_080 }).id).toBe('h264-360');
    expect(chooseFirstRendition([], { width: 1_920, height: 1_080 }).id).toBe('h264-360');
    expect(chooseFirstRendition(DEFAULT_LADDER, { width: 100, height: 50 })).toMatchObject({
      width: 100,
      height: 50,
    });
  });
});

describe('the renditions in addition to a published source', () => {
  const published = (averageBps: number, isH264 = true) => ({ isH264, averageBps });

  it('are smaller than it, or have its size and a much lower bitrate', () => {
    const hd = { width: 1_920, height: 1_080 };
    expect(choose({ ...hd, published: published(20_000_000) })[0]).toBe('h264-1080 1920x1080 5000');
    expect(choose({ ...hd, published: published(4_000_000) })).toEqual([
      'h264-720 1280x720 2667',
      'h264-360 640x360 800',
    ]);
  });

  it('are none for a small H.264 source with a low bitrate', () => {
    expect(choose({ width: 640, height: 360, published: published(500_000) })).toEqual([]);
  });

  it('include H.264 of the same size if the source has another codec', () => {
    expect(choose({ width: 1_280, height: 720, published: published(900_000, false) })).toEqual([
      'h264-720 1280x720 2800',
      'h264-360 640x360 800',
    ]);
  });

  it('list other codecs after H.264', () => {
    const ladder = [
      { codec: 'av1' as const, lines: 720, kbps: 1_500 },
      { codec: 'hevc' as const, lines: 720, kbps: 1_800 },
      ...DEFAULT_LADDER,
    ];
    expect(chooseRenditions(ladder, { width: 1_280, height: 720 }).map(({ id }) => id)).toEqual([
      'h264-720',
      'h264-360',
      'hevc-720',
      'av1-720',
    ]);
  });
});
