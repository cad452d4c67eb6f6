/**
 * Starts the test files that take longest first, so that no worker is left with a long one when the others have finished.
 * The runner's own order needs the durations of an earlier run, which a fresh checkout does not have.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds on a machine with two cores; a file that is not listed takes less than eight. Only the order matters. */
const SECONDS: Readonly<Record<string, number>> = {
  'src/site/delivery/buffer.test.ts': 9,
  'src/site/delivery/egress/egress.test.ts': 13,
  'src/site/http/studio/jobs.test.ts': 14,
  'src/site/media/conversion/conversion.test.ts': 27,
  'src/site/media/conversion/first-rendition.test.ts': 57,
  'src/site/media/conversion/renditions.test.ts': 18,
  'src/site/media/conversion/worker.test.ts': 18,
  'src/site/media/cut/lossless.test.ts': 20,
  'src/site/media/ffmpeg/attacks.test.ts': 35,
  'src/site/media/intake/bare-video.test.ts': 9,
  'src/site/media/intake/rejections.test.ts': 8,
  'src/tracker/tracker.test.ts': 50,
  'test/central/central.test.ts': 9,
  'test/central/copies.test.ts': 12,
  'test/central/hostile-sites.test.ts': 34,
  'test/choice-simulation.test.ts': 55,
  'test/private-rights.test.ts': 15,
  'test/readers/over-link.test.ts': 15,
};

const secondsOf = ({ moduleId }: TestSpecification): number =>
  Object.entries(SECONDS).find(([file]) => moduleId.endsWith(`/${file}`))?.[1] ?? 0;

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => secondsOf(b) - secondsOf(a));
  }
}
