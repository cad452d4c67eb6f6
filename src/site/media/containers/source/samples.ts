/** The samples of a track: positions, sizes and times, in columns because a video has hundreds of thousands of samples. */
import { SourceRejected } from '../../source-rejected.ts';

/** 18 hours at 60 frames per second. It bounds the memory that a hostile sample count can claim (33 bytes per sample). */
export const MAX_SAMPLES_PER_TRACK = 4_000_000;
/** The limit for all tracks of a file together. */
export const MAX_SAMPLES = 12_000_000;
/** Small, because a hostile file can declare a thousand tracks. */
const INITIAL_CAPACITY = 256;

/** Samples in decode order. Times are ticks of the track's timescale: exact integers below 2^53. */
export interface Samples {
  readonly count: number;
  /** Index of the file that holds the sample, from 0; absent if the rendition has one file. */
  readonly files?: Uint16Array;
  /** Position of the sample's first byte in its file. */
  readonly offsets: Float64Array;
  /** Bytes in the source file. */
  readonly sizes: Uint32Array;
  readonly decodeTimes: Float64Array;
  readonly presentationTimes: Float64Array;
  readonly durations: Uint32Array;
  /** 1 for a sync sample, at which decoding can begin. */
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

  /** @throws SourceRejected if the capacity exceeds `MAX_SAMPLES_PER_TRACK` */
  constructor(capacity = INITIAL_CAPACITY) {
    if (capacity > MAX_SAMPLES_PER_TRACK) throw tooManySamples();
    this.#capacity = capacity;
    this.offsets = new Float64Array(capacity);
    this.sizes = new Uint32Array(capacity);
    this.decodeTimes = new Float64Array(capacity);
    this.presentationTimes = new Float64Array(capacity);
    this.durations = new Uint32Array(capacity);
    this.sync = new Uint8Array(capacity);
  }

  /**
   * Appends a sample of zeroes. The caller writes its values into the columns, so no object is allocated per sample. Growing
   * replaces the columns, so the caller must read them after this call.
   *
   * @returns the index of the sample
   * @throws SourceRejected beyond `MAX_SAMPLES_PER_TRACK`
   */
  append(): number {
    if (this.count === this.#capacity) this.#grow();
    return this.count++;
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
    `This file has too many frames in a track (the limit is ${MAX_SAMPLES_PER_TRACK.toLocaleString('en')}). Split the video into shorter videos, and upload those.`,
  );

/** The samples `[from, to)` as views of the same memory. */
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

/** The presentation interval `[start, end)` in ticks; undefined without samples. */
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
