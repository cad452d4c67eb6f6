/** Where a track's samples are and when they are shown: columns, because a film has hundreds of thousands of them. */
import { SourceRejected } from '../../source-rejected.ts';

/** 18 hours at 60 frames a second. Bounds what a hostile sample count can make us allocate (33 bytes a sample). */
export const MAX_SAMPLES_PER_TRACK = 4_000_000;
/** Of all tracks together. */
export const MAX_SAMPLES = 12_000_000;
const FIRST_CAPACITY = 4_096;

/** Times in ticks of the track's timescale, exact integers below 2^53. Samples stand in decode order. */
export interface Samples {
  readonly count: number;
  /** Which of the rendition's files holds the sample, counted from 0; absent where there is one file. */
  readonly files?: Uint16Array;
  /** Position of the sample's first byte in its file. */
  readonly offsets: Float64Array;
  /** Bytes in the source file. */
  readonly sizes: Uint32Array;
  readonly decodeTimes: Float64Array;
  readonly presentationTimes: Float64Array;
  readonly durations: Uint32Array;
  /** 1 where decoding can begin. */
  readonly sync: Uint8Array;
}

export class SampleColumns implements Samples {
  count = 0;
  offsets: Float64Array;
  sizes: Uint32Array;
  decodeTimes: Float64Array;
  presentationTimes: Float64Array;
  durations: Uint32Array;
  sync: Uint8Array;
  #capacity: number;

  /** @throws SourceRejected if the capacity is beyond `MAX_SAMPLES_PER_TRACK`. */
  constructor(capacity = FIRST_CAPACITY) {
    if (capacity > MAX_SAMPLES_PER_TRACK) throw tooManySamples();
    this.#capacity = capacity;
    this.offsets = new Float64Array(capacity);
    this.sizes = new Uint32Array(capacity);
    this.decodeTimes = new Float64Array(capacity);
    this.presentationTimes = new Float64Array(capacity);
    this.durations = new Uint32Array(capacity);
    this.sync = new Uint8Array(capacity);
  }

  /** @throws SourceRejected if there are more than `MAX_SAMPLES_PER_TRACK`. */
  push(
    offset: number,
    size: number,
    decodeTime: number,
    presentationTime: number,
    duration: number,
    sync: boolean,
  ): void {
    if (this.count === this.#capacity) this.#grow();
    const i = this.count++;
    this.offsets[i] = offset;
    this.sizes[i] = size;
    this.decodeTimes[i] = decodeTime;
    this.presentationTimes[i] = presentationTime;
    this.durations[i] = duration;
    this.sync[i] = sync ? 1 : 0;
  }

  #grow(): void {
    if (this.#capacity >= MAX_SAMPLES_PER_TRACK) throw tooManySamples();
    this.#capacity = Math.min(this.#capacity * 2, MAX_SAMPLES_PER_TRACK);
    const float = (from: Float64Array): Float64Array => {
      const to = new Float64Array(this.#capacity);
      to.set(from);
      return to;
    };
    const uint = (from: Uint32Array): Uint32Array => {
      const to = new Uint32Array(this.#capacity);
      to.set(from);
      return to;
    };
    this.offsets = float(this.offsets);
    this.sizes = uint(this.sizes);
    this.decodeTimes = float(this.decodeTimes);
    this.presentationTimes = float(this.presentationTimes);
    this.durations = uint(this.durations);
    const sync = new Uint8Array(this.#capacity);
    sync.set(this.sync);
    this.sync = sync;
  }
}

export const tooManySamples = (): SourceRejected =>
  new SourceRejected(
    'structure-unsupported',
    `The file holds more pictures or sound packets than we can index (${MAX_SAMPLES_PER_TRACK} a track). Cut it into shorter films and upload those.`,
  );

/** Samples `[from, to)`, without copying. */
export const sliceSamples = (samples: Samples, from: number, to: number): Samples => ({
  count: Math.max(0, to - from),
  ...(samples.files ? { files: samples.files.subarray(from, to) } : {}),
  offsets: samples.offsets.subarray(from, to),
  sizes: samples.sizes.subarray(from, to),
  decodeTimes: samples.decodeTimes.subarray(from, to),
  presentationTimes: samples.presentationTimes.subarray(from, to),
  durations: samples.durations.subarray(from, to),
  sync: samples.sync.subarray(from, to),
});

/** First and last instant shown: `[start, end)` in ticks. Undefined of no samples. */
export function presentationRange(samples: Samples): { start: number; end: number } | undefined {
  if (samples.count === 0) return undefined;
  let start = Number.POSITIVE_INFINITY;
  let end = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < samples.count; i++) {
    const time = samples.presentationTimes[i]!;
    if (time < start) start = time;
    if (time + samples.durations[i]! > end) end = time + samples.durations[i]!;
  }
  return { start, end };
}
