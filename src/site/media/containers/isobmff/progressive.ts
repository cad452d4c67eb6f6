/**
 * Formats the boxes of a progressive MP4 file: everything before the samples (ISO/IEC 14496-12, section 8). The samples are not
 * touched; their tables come from the index. Pure.
 */
import type { TrackDescription } from '../source/track-description.ts';
import { formatBox, formatFullBox, u16, u32, u64 } from './box.ts';
import { formatMdia, formatTkhd, UNITY_MATRIX } from './cmaf-init.ts';

export interface ProgressiveTrack {
  readonly description: TrackDescription;
  readonly timescale: number;
  /** Sum of the durations of the samples, in ticks. */
  readonly duration: number;
  /** Seconds before the track begins to be shown. */
  readonly delaySeconds: number;
  /** Composition time of the first instant that is shown, in ticks. */
  readonly mediaTime: number;
  /** How long it is shown. */
  readonly shownSeconds: number;
  readonly tables: SampleTables;
}

/** Contents of the boxes of the same names, without counts. */
export interface SampleTables {
  readonly sampleCount: number;
  /** `stts`, 8 bytes for each run. */
  readonly durations: Buffer;
  /** `ctts`, 8 bytes for each run; undefined if every sample is shown when it is decoded. */
  readonly compositionOffsets: Buffer | undefined;
  /** `stss`, 4 bytes each; undefined if every sample is a sync sample. */
  readonly syncSamples: Buffer | undefined;
  /** `stsz`, 4 bytes each. */
  readonly sizes: Buffer;
  /** Samples of each chunk. */
  readonly chunks: readonly number[];
}

/** Header of the box with the samples of all tracks, with a 64-bit size. */
const MDAT_HEADER_BYTES = 16;
const MIN_MOVIE_TIMESCALE = 1_000;
const AUDIO_GROUP = 1;

interface Progressive {
  readonly tracks: readonly ProgressiveTrack[];
  /** Total bytes of all samples. */
  readonly dataBytes: number;
  /** Position of each chunk after the head, for each track. */
  readonly chunkPositions: readonly Float64Array[];
}

/** @returns the bytes before the samples: `ftyp`, `moov` and the header of `mdat` */
export function formatProgressiveHead({ tracks, dataBytes, chunkPositions }: Progressive): Buffer {
  const isVideo = tracks.some(({ description }) => description.kind === 'video');
  const ftyp = isVideo
    ? formatBox('ftyp', Buffer.from('isom'), u32(0x200), Buffer.from('isomiso6mp41mp42'))
    : formatBox('ftyp', Buffer.from('M4A '), u32(0), Buffer.from('M4A isomiso6mp42'));
  // The positions take the same space whatever they are.
  const { length } = formatMoov(tracks, chunkPositions, 0);
  const headBytes = ftyp.length + length + MDAT_HEADER_BYTES;
  const moov = formatMoov(tracks, chunkPositions, headBytes);
  const mdat = Buffer.concat([u32(1), Buffer.from('mdat'), u64(MDAT_HEADER_BYTES + dataBytes)]);
  return Buffer.concat([ftyp, moov, mdat]);
}

function formatMoov(
  tracks: readonly ProgressiveTrack[],
  chunkPositions: readonly Float64Array[],
  headBytes: number,
): Buffer {
  // With the timescale of the first track, the edits of its frames are exact.
  const timescale = Math.max(MIN_MOVIE_TIMESCALE, tracks[0]?.timescale ?? MIN_MOVIE_TIMESCALE);
  const ticks = (seconds: number): number => Math.round(seconds * timescale);
  const lengthOf = (track: ProgressiveTrack): number => ticks(track.delaySeconds) + ticks(track.shownSeconds);
  const duration = Math.max(...tracks.map(lengthOf));
  const audios = tracks.filter(({ description }) => description.kind === 'audio');
  return formatBox(
    'moov',
    formatFullBox(
      'mvhd',
      1,
      0,
      u64(0),
      u64(0),
      u32(timescale),
      u64(duration),
      u32(0x1_0000),
      u16(0x100, 0),
      u32(0, 0, ...UNITY_MATRIX, 0, 0, 0, 0, 0, 0, tracks.length + 1),
    ),
    ...tracks.map((track, index) =>
      formatBox(
        'trak',
        formatTkhd(track.description, {
          id: index + 1,
          duration: lengthOf(track),
          alternateGroup: track.description.kind === 'audio' && audios.length > 1 ? AUDIO_GROUP : 0,
          isEnabled: track.description.kind === 'video' || track === audios[0],
        }),
        formatEdits(track, ticks),
        formatMdia(track.description, track.timescale, track.duration, [
          ...formatTables(track.tables),
          formatPositions(chunkPositions[index] ?? new Float64Array(), headBytes),
        ]),
      ),
    ),
  );
}

/** Section 8.6.6: an empty edit before a track that begins later, and the part that is shown. */
function formatEdits(
  { delaySeconds, mediaTime, shownSeconds }: ProgressiveTrack,
  ticks: (seconds: number) => number,
) {
  const delay = ticks(delaySeconds);
  const edits = [
    ...(delay > 0 ? [Buffer.concat([u64(delay), u32(0xffff_ffff, 0xffff_ffff), u16(1, 0)])] : []),
    Buffer.concat([u64(ticks(shownSeconds)), u64(mediaTime), u16(1, 0)]),
  ];
  return formatBox('edts', formatFullBox('elst', 1, 0, u32(edits.length), ...edits));
}

function formatTables(tables: SampleTables): readonly Buffer[] {
  const { sampleCount, durations, compositionOffsets, syncSamples, sizes, chunks } = tables;
  const runs = new ColumnWriter();
  let before: number | undefined;
  for (const [index, samples] of chunks.entries()) {
    if (samples !== before) for (const value of [index + 1, samples, 1]) runs.push(value);
    before = samples;
  }
  return [
    formatFullBox('stts', 0, 0, u32(durations.length / 8), durations),
    ...(compositionOffsets
      ? [formatFullBox('ctts', 1, 0, u32(compositionOffsets.length / 8), compositionOffsets)]
      : []),
    ...(syncSamples ? [formatFullBox('stss', 0, 0, u32(syncSamples.length / 4), syncSamples)] : []),
    formatFullBox('stsc', 0, 0, u32(runs.length / 3), runs.toBuffer()),
    formatFullBox('stsz', 0, 0, u32(0, sampleCount), sizes),
  ];
}

function formatPositions(positions: Float64Array, headBytes: number): Buffer {
  const body = Buffer.alloc(positions.length * 8);
  for (const [index, position] of positions.entries()) {
    const at = headBytes + position;
    body.writeUInt32BE(Math.floor(at / 2 ** 32), index * 8);
    body.writeUInt32BE(at % 2 ** 32, index * 8 + 4);
  }
  return formatFullBox('co64', 0, 0, u32(positions.length), body);
}

/** Collects 32-bit numbers in big-endian order. */
export class ColumnWriter {
  #bytes = Buffer.alloc(4_096);
  #count = 0;

  get length(): number {
    return this.#count;
  }

  push(value: number): void {
    if ((this.#count + 1) * 4 > this.#bytes.length) {
      const larger = Buffer.alloc(this.#bytes.length * 2);
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    this.#bytes.writeUInt32BE(value >>> 0, this.#count * 4);
    this.#count++;
  }

  toBuffer(): Buffer {
    return this.#bytes.subarray(0, this.#count * 4);
  }
}
