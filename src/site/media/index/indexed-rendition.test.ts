import { describe, expect, test } from 'vitest';
import { SampleColumns } from '../containers/containers.ts';
import { toRendition } from './indexed-rendition.ts';

/** A track whose frames are shown at these times, in seconds, in decode order. */
function renditionOf(seconds: readonly number[], timescale: number, lastSeconds = 1 / 25) {
  const samples = new SampleColumns(seconds.length);
  const ticks = seconds.map(time => Math.round(time * timescale));
  for (const [at, time] of ticks.entries()) {
    samples.presentationTimes[at] = time;
    samples.decodeTimes[at] = time;
    samples.sizes[at] = 100;
    samples.sync[at] = 1;
  }
  samples.count = seconds.length;
  const end = Math.max(...ticks) + timescale * lastSeconds;
  const { header } = toRendition(
    'source-video',
    {
      track: {
        kind: 'video',
        timescale,
        samples,
        samplePrefix: Buffer.alloc(0),
        description: {
          kind: 'video',
          family: 'h264',
          sampleEntry: 'avc1',
          codec: 'avc1.64001f',
          configuration: '',
          furtherBoxes: '',
          codedWidth: 640,
          codedHeight: 360,
          trackWidth: 640,
          trackHeight: 360,
          width: 640,
          height: 360,
          matrix: [65_536, 0, 0, 0, 65_536, 0, 0, 0, 1_073_741_824],
        },
      },
      samples,
      editMediaTime: 0,
      start: 0,
      end,
      hasComposition: false,
      shift: 0,
    },
    [{ firstSample: 0, sampleCount: seconds.length, dataBytes: 100, sizeBytes: 200, start: 0, end }],
  );
  const { rendition } = header;
  return rendition.kind === 'video' ? rendition : undefined;
}
const evenly = (count: number, rate: number, from = 0): readonly number[] =>
  Array.from({ length: count }, (_, n) => from + n / rate);

describe('the frame rate of a rendition', () => {
  test.each([24_000 / 1_001, 25, 30_000 / 1_001, 60_000 / 1_001, 120])(
    'does not vary if only its times are rounded to milliseconds (%f)',
    rate => {
      expect(renditionOf(evenly(200, rate), 1_000, 1 / rate)?.maxFrameRate).toBeUndefined();
    },
  );

  test('has a maximum if it varies, in whichever order the frames are decoded', () => {
    const times = [...evenly(50, 8), ...evenly(20, 25, 50 / 8), ...evenly(50, 8, 50 / 8 + 20 / 25)];
    const rendition = renditionOf(times, 90_000);
    expect(rendition?.maxFrameRate).toBe(25);
    expect(rendition?.frameRate).toBeLessThan(10);
    expect(renditionOf([...times].reverse(), 90_000)?.maxFrameRate).toBe(25);
  });

  test.each([1, 2, 3])('is defined for %i frames', count => {
    expect(renditionOf(evenly(count, 25), 90_000)?.frameRate).toBe(25);
  });
});
