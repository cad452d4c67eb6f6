/**
 * The index file of a set of renditions. It describes them and locates the samples of each segment in the media files (the source,
 * or the chunks of an encoding), so one small read finds everything from which a segment is cut.
 *
 *     magic "TRIBIDX1" | u32 header length | header (JSON) | per rendition: segment records, sample records
 *
 * Numbers are little-endian, times are ticks. A segment record (32 bytes): u32 first sample, u32 number of samples, u32 data
 * bytes, u32 zero, f64 decode time, f64 start on the playlist's timeline. A sample record (20 bytes): u48 position in its file,
 * u16 file, u32 size with bit 31 set for a sync sample, u32 duration, i32 composition offset.
 */
import { open, rm } from 'node:fs/promises';
import * as z from 'zod';
import { renameDurably } from '../../../kernel/files.ts';
import { renditionSchema } from '../../../protocol/media/media.ts';
import type { Samples, SegmentSample } from '../containers/containers.ts';
import { trackDescriptionSchema } from '../containers/containers.ts';
import type { StoredFile } from '../storage/storage.ts';
import type { PlannedSegment } from './segment-plan.ts';

const MAGIC = Buffer.from('TRIBIDX1');
const PREFIX_BYTES = MAGIC.length + 4;
const SEGMENT_RECORD_BYTES = 32;
const SAMPLE_RECORD_BYTES = 20;
const SYNC_BIT = 0x8000_0000;
const MAX_HEADER_BYTES = 16 * 2 ** 20;

const renditionHeaderSchema = z.strictObject({
  rendition: renditionSchema,
  description: trackDescriptionSchema,
  timescale: z.int().positive(),
  editMediaTime: z.int().nonnegative(),
  hasComposition: z.boolean(),
  /** Bytes that precede every sample, in base64. */
  samplePrefix: z.base64(),
  /** Where players begin, in seconds. The samples before only serve to decode the samples after. */
  shownFromSeconds: z.number().positive().optional(),
  /** Of a trimmed video: the part that is only decoded, because it lies outside the marks. */
  trim: z
    .strictObject({
      /** When the first frame is shown, in ticks. Samples shown before are only decoded. */
      shownFromTicks: z.int().nonnegative(),
      /** Numbers of samples that belong after the end. */
      hiddenSamples: z.array(z.int().nonnegative()).max(1_000),
    })
    .optional(),
  /** End of the last segment on the playlist's timeline, in ticks. */
  end: z.number(),
  segmentCount: z.int().positive(),
  sampleCount: z.int().positive(),
});
type RenditionHeader = z.infer<typeof renditionHeaderSchema>;

const indexedFileSchema = z.strictObject({
  /** Name relative to the video's directory. */
  name: z.string().min(1).max(255),
  /** Size when the file was indexed: a file of another size is another file. */
  sizeBytes: z.int().positive(),
});
export type IndexedFile = z.infer<typeof indexedFileSchema>;

export const MAX_INDEXED_FILES = 2 ** 16;

const headerSchema = z.strictObject({
  /** Total size of the files. */
  sourceBytes: z.int().positive(),
  /** Absent in early indexes, which described only the file `source`. */
  files: z.array(indexedFileSchema).min(1).max(MAX_INDEXED_FILES).optional(),
  renditions: z.array(renditionHeaderSchema).min(1),
});

export interface RenditionToIndex {
  readonly header: RenditionHeader;
  readonly segments: readonly PlannedSegment[];
  readonly samples: Samples;
}

/** Writes an index file atomically and durably. */
export async function writeSourceIndex(
  path: string,
  files: readonly IndexedFile[],
  renditions: readonly RenditionToIndex[],
): Promise<void> {
  const sourceBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const header = Buffer.from(
    JSON.stringify({ sourceBytes, files, renditions: renditions.map(({ header }) => header) }),
  );
  const prefix = Buffer.alloc(PREFIX_BYTES);
  MAGIC.copy(prefix);
  prefix.writeUInt32LE(header.length, MAGIC.length);
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o644);
  try {
    try {
      await file.writeFile(Buffer.concat([prefix, header]));
      for (const { segments, samples } of renditions) {
        await file.writeFile(formatSegments(segments, samples));
        for (let from = 0; from < samples.count; from += BLOCK_SAMPLES)
          await file.writeFile(formatSamples(samples, from, Math.min(samples.count, from + BLOCK_SAMPLES)));
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await renameDurably(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function formatSegments(segments: readonly PlannedSegment[], samples: Samples): Buffer {
  const out = Buffer.alloc(segments.length * SEGMENT_RECORD_BYTES);
  for (const [i, segment] of segments.entries()) {
    const at = i * SEGMENT_RECORD_BYTES;
    out.writeUInt32LE(segment.firstSample, at);
    out.writeUInt32LE(segment.sampleCount, at + 4);
    out.writeUInt32LE(segment.dataBytes, at + 8);
    out.writeDoubleLE(samples.decodeTimes[segment.firstSample]!, at + 16);
    out.writeDoubleLE(segment.start, at + 24);
  }
  return out;
}

function formatSamples(samples: Samples, from: number, to: number): Buffer {
  const { count, files, offsets, sizes, decodeTimes, presentationTimes, durations, sync } = samples;
  const out = Buffer.allocUnsafeSlow((to - from) * SAMPLE_RECORD_BYTES);
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  for (let i = from; i < to; i++) {
    const at = (i - from) * SAMPLE_RECORD_BYTES;
    const offset = offsets[i]!;
    const decode = decodeTimes[i]!;
    // The durations of a fragment add up to the decode time of the next one, so gaps are part of a duration.
    const duration = i + 1 < count ? decodeTimes[i + 1]! - decode : durations[i]!;
    view.setUint32(at, offset % 2 ** 32, true);
    view.setUint16(at + 4, Math.floor(offset / 2 ** 32), true);
    view.setUint16(at + 6, files?.[i] ?? 0, true);
    view.setUint32(at + 8, (sizes[i]! | (sync[i] === 1 ? SYNC_BIT : 0)) >>> 0, true);
    view.setUint32(at + 12, duration, true);
    view.setInt32(at + 16, presentationTimes[i]! - decode, true);
  }
  return out;
}

/** Largest values that a sample record can hold. */
const MAX_SAMPLE_BYTES = 2 ** 31 - 1;
export const MAX_SAMPLE_DURATION = 2 ** 32 - 1;
export const MAX_COMPOSITION_OFFSET = 2 ** 31 - 1;

interface SegmentRecord {
  readonly firstSample: number;
  readonly sampleCount: number;
  readonly dataBytes: number;
  readonly decodeTime: number;
  readonly start: number;
}

interface SampleRecord extends SegmentSample {
  /** Index into `files`. */
  readonly file: number;
  /** Position in that file. */
  readonly offset: number;
}

/** 16,384 samples are read in about a millisecond. */
const BLOCK_SAMPLES = 16_384;

/** Consecutive samples, in columns. */
interface SampleColumnsBlock {
  /** Number of the first sample. */
  readonly first: number;
  readonly count: number;
  /** The records of the index file. */
  readonly records: Buffer;
  readonly sizes: Uint32Array;
  readonly sync: Uint8Array;
  readonly durations: Uint32Array;
  readonly compositionOffsets: Int32Array;
}

/** An open index file. It keeps the headers and the segment records in memory and reads samples on request. */
export class SourceIndex {
  readonly files: readonly IndexedFile[];
  readonly renditions: readonly IndexedRendition[];
  readonly #file: StoredFile;

  private constructor(
    file: StoredFile,
    header: z.infer<typeof headerSchema>,
    renditions: readonly IndexedRendition[],
  ) {
    this.#file = file;
    this.files = header.files ?? [{ name: 'source', sizeBytes: header.sourceBytes }];
    this.renditions = renditions;
  }

  /** @throws Error if the file is not an index of this version */
  static async open(path: string): Promise<SourceIndex> {
    return SourceIndex.read(await open(path, 'r'), path);
  }

  /**
   * Takes ownership of the file and closes it.
   *
   * @param name for error messages
   * @throws Error if the file is not an index of this version
   */
  static async read(file: StoredFile, name: string): Promise<SourceIndex> {
    try {
      const prefix = await readExactly(file, 0, PREFIX_BYTES);
      const headerBytes = prefix.readUInt32LE(MAGIC.length);
      if (!prefix.subarray(0, MAGIC.length).equals(MAGIC) || headerBytes > MAX_HEADER_BYTES) {
        throw new Error(`${name} is not a source index of this version`);
      }
      const header = headerSchema.parse(
        JSON.parse((await readExactly(file, PREFIX_BYTES, headerBytes)).toString()),
      );
      const renditions: IndexedRendition[] = [];
      let at = PREFIX_BYTES + headerBytes;
      for (const rendition of header.renditions) {
        const segments = await readExactly(file, at, rendition.segmentCount * SEGMENT_RECORD_BYTES);
        at += segments.length;
        renditions.push(new IndexedRendition(rendition, file, segments, at));
        at += rendition.sampleCount * SAMPLE_RECORD_BYTES;
      }
      return new SourceIndex(file, header, renditions);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** One rendition of an open index file. */
export class IndexedRendition {
  readonly header: RenditionHeader;
  readonly #file: StoredFile;
  readonly #segments: Buffer;
  readonly #samplesAt: number;

  constructor(header: RenditionHeader, file: StoredFile, segments: Buffer, samplesAt: number) {
    this.header = header;
    this.#file = file;
    this.#segments = segments;
    this.#samplesAt = samplesAt;
  }

  findSegment(number: number): SegmentRecord | undefined {
    const records = this.#segments;
    const at = number * SEGMENT_RECORD_BYTES;
    if (at + SEGMENT_RECORD_BYTES > records.length) return undefined;
    return {
      firstSample: records.readUInt32LE(at),
      sampleCount: records.readUInt32LE(at + 4),
      dataBytes: records.readUInt32LE(at + 8),
      decodeTime: records.readDoubleLE(at + 16),
      start: records.readDoubleLE(at + 24),
    };
  }

  /** Lists the durations of the segments in ticks. */
  listTicks(): readonly number[] {
    const { segmentCount, end } = this.header;
    const starts = Array.from({ length: segmentCount }, (_, i) =>
      this.#segments.readDoubleLE(i * SEGMENT_RECORD_BYTES + 24),
    );
    return starts.map((start, i) => (starts[i + 1] ?? end) - start);
  }

  /** Lists the durations of the segments in seconds. */
  listDurations(): readonly number[] {
    const { timescale } = this.header;
    return this.listTicks().map(ticks => ticks / timescale);
  }

  /** Reads all samples in blocks of columns, which takes less time than one object for each sample. */
  async *readColumns(from = 0, to = this.header.sampleCount): AsyncGenerator<SampleColumnsBlock> {
    for (let first = from; first < to; first += BLOCK_SAMPLES) {
      const count = Math.min(BLOCK_SAMPLES, to - first);
      const position = this.#samplesAt + first * SAMPLE_RECORD_BYTES;
      const records = await readExactly(this.#file, position, count * SAMPLE_RECORD_BYTES);
      const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
      const block = {
        first,
        count,
        records,
        sizes: new Uint32Array(count),
        sync: new Uint8Array(count),
        durations: new Uint32Array(count),
        compositionOffsets: new Int32Array(count),
      };
      for (let i = 0; i < count; i++) {
        const at = i * SAMPLE_RECORD_BYTES;
        const sizeAndSync = view.getUint32(at + 8, true);
        block.sizes[i] = sizeAndSync & MAX_SAMPLE_BYTES;
        block.sync[i] = sizeAndSync >= SYNC_BIT ? 1 : 0;
        block.durations[i] = view.getUint32(at + 12, true);
        block.compositionOffsets[i] = view.getInt32(at + 16, true);
      }
      yield block;
    }
  }

  async readSamples(segment: SegmentRecord): Promise<readonly SampleRecord[]> {
    const from = this.#samplesAt + segment.firstSample * SAMPLE_RECORD_BYTES;
    const records = await readExactly(this.#file, from, segment.sampleCount * SAMPLE_RECORD_BYTES);
    return Array.from({ length: segment.sampleCount }, (_, i) => {
      const at = i * SAMPLE_RECORD_BYTES;
      const sizeAndSync = records.readUInt32LE(at + 8);
      return {
        file: records.readUInt16LE(at + 6),
        offset: records.readUIntLE(at, 6),
        sizeBytes: sizeAndSync & MAX_SAMPLE_BYTES,
        isSync: sizeAndSync >= SYNC_BIT,
        duration: records.readUInt32LE(at + 12),
        compositionOffset: records.readInt32LE(at + 16),
      };
    });
  }
}

async function readExactly(file: StoredFile, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) throw new Error('the source index ends too early');
    filled += bytesRead;
  }
  return bytes;
}
