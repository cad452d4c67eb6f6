/**
 * Makes the head and the plan of a rendition as a progressive MP4 file. The samples stay where they are: the file consists of the
 * head and of the samples in the segments, so it needs no other bytes than playback does. A video rendition gets all audio tracks
 * that play with it.
 */
import type { RevisionId } from '../../../../protocol/base/ids.ts';
import { type DownloadPart, formatDownloadPlan, PART } from '../../../../protocol/media/download-plan.ts';
import type { Rendition } from '../../../../protocol/media/media.ts';
import {
  ColumnWriter,
  cmafSegmentBytes,
  formatProgressiveHead,
  type ProgressiveTrack,
  type SampleTables,
} from '../../containers/containers.ts';
import type { IndexedRendition } from '../../index/source-index.ts';

/** Part of every entity tag. Raise it when an unchanged index yields other bytes. */
const DOWNLOAD_VERSION = 1;

export interface RenditionDownload {
  readonly head: Buffer;
  readonly plan: Buffer;
}

/** The renditions of which the download of `id` consists, the video first; undefined if it cannot be downloaded. */
export function selectTracks(renditions: readonly Rendition[], id: string): readonly Rendition[] | undefined {
  const chosen = renditions.find(rendition => rendition.id === id && rendition.kind !== 'captions');
  if (chosen?.kind !== 'video') return chosen && [chosen];
  return [chosen, ...renditions.filter(other => other.kind === 'audio' && other.group === chosen.audioGroup)];
}

/** @param tracks the indexed renditions, the video first */
export async function makeRenditionDownload(
  revision: RevisionId,
  tracks: readonly IndexedRendition[],
): Promise<RenditionDownload> {
  const progressive: ProgressiveTrack[] = [];
  for (const track of tracks) progressive.push(await describeTrack(track));
  const chunks = listChunks(tracks);
  const positions = tracks.map(({ header }) => new Float64Array(header.segmentCount));
  let dataBytes = 0;
  const parts = chunks.map(({ track, number, headerBytes, bytes }): DownloadPart => {
    const chunkPositions = positions[track];
    if (chunkPositions) chunkPositions[number] = dataBytes;
    dataBytes += bytes;
    return { kind: PART.segment, folder: track, number, start: headerBytes, end: headerBytes + bytes };
  });
  const head = formatProgressiveHead({ tracks: progressive, dataBytes, chunkPositions: positions });
  const folders = tracks.map(({ header }) => header.rendition.id);
  const sizeBytes = head.length + dataBytes;
  const kind = tracks[0]?.header.description.kind ?? 'video';
  const header = {
    contentType: `${kind}/mp4`,
    extension: kind === 'video' ? 'mp4' : 'm4a',
    etag: `"${revision}/${folders[0]}/${sizeBytes}/${DOWNLOAD_VERSION}"`,
    sizeBytes,
    folders,
  };
  const first: DownloadPart = { kind: PART.head, folder: 0, number: 0, start: 0, end: head.length };
  return { head, plan: formatDownloadPlan(header, [first, ...parts]) };
}

interface Chunk {
  readonly track: number;
  /** Number of the segment whose samples the chunk consists of. */
  readonly number: number;
  readonly startSeconds: number;
  /** Bytes of the segment before its samples. */
  readonly headerBytes: number;
  readonly bytes: number;
}

/** The segments of all tracks in the order of their times, which is the order in which a player needs them. */
function listChunks(tracks: readonly IndexedRendition[]): readonly Chunk[] {
  const chunks = tracks.flatMap((indexed, track) => {
    const { segmentCount, description, hasComposition, timescale } = indexed.header;
    return Array.from({ length: segmentCount }, (_, number): Chunk => {
      const { start = 0, sampleCount = 0, dataBytes = 0 } = indexed.findSegment(number) ?? {};
      const headerBytes = cmafSegmentBytes(description.kind, hasComposition, sampleCount, 0);
      return { track, number, startSeconds: start / timescale, headerBytes, bytes: dataBytes };
    });
  });
  return chunks.sort((a, b) => a.startSeconds - b.startSeconds || a.track - b.track);
}

async function describeTrack(indexed: IndexedRendition): Promise<ProgressiveTrack> {
  const { description, timescale, editMediaTime, end } = indexed.header;
  const firstDecodeTime = indexed.findSegment(0)?.decodeTime ?? 0;
  const { tables, duration, firstShown } = await readTables(indexed);
  // The decode times of the file begin at zero.
  const zero = editMediaTime - firstDecodeTime;
  // If the track begins later, an empty edit delays its first sample.
  const delayTicks = Math.max(0, firstShown - zero);
  return {
    description,
    timescale,
    duration,
    delaySeconds: delayTicks / timescale,
    mediaTime: zero + delayTicks + (indexed.header.trim?.shownFromTicks ?? 0),
    shownSeconds: Math.max(1, end - delayTicks) / timescale,
    tables,
  };
}

/** Frames of one group are reordered by less than this. */
const MAX_REORDERED = 64;

async function readTables(
  indexed: IndexedRendition,
): Promise<{ readonly tables: SampleTables; readonly duration: number; readonly firstShown: number }> {
  const { description, hasComposition, samplePrefix, sampleCount, segmentCount } = indexed.header;
  const moveSample = createMove(indexed);
  const prefixBytes = Buffer.from(samplePrefix, 'base64').length;
  const isVideo = description.kind === 'video';
  const sizes = Buffer.allocUnsafeSlow(sampleCount * 4);
  const durations = new RunWriter();
  const offsets = new RunWriter();
  const syncSamples = new ColumnWriter();
  let duration = 0;
  let firstShown = Number.POSITIVE_INFINITY;
  for await (const block of indexed.readColumns()) {
    for (let i = 0; i < block.count; i++) {
      const sample = block.first + i;
      sizes.writeUInt32BE((block.sizes[i] ?? 0) + prefixBytes, sample * 4);
      const decodeTime = duration;
      const offset = moveSample(sample, decodeTime, block.compositionOffsets[i] ?? 0);
      durations.push(block.durations[i] ?? 0);
      duration += block.durations[i] ?? 0;
      if (sample < MAX_REORDERED) firstShown = Math.min(firstShown, decodeTime + offset);
      if (hasComposition) offsets.push(offset);
      if (isVideo && block.sync[i] === 1) syncSamples.push(sample + 1);
    }
  }
  const chunks = Array.from(
    { length: segmentCount },
    (_, number) => indexed.findSegment(number)?.sampleCount ?? 0,
  );
  return {
    duration,
    firstShown,
    tables: {
      sampleCount,
      sizes,
      durations: durations.toBuffer(),
      compositionOffsets: hasComposition ? offsets.toBuffer() : undefined,
      syncSamples: isVideo && syncSamples.length < sampleCount ? syncSamples.toBuffer() : undefined,
      chunks,
    },
  };
}

/**
 * In a file, the edit list hides the samples of a trimmed video that are only decoded. Unlike in segments, those before the first
 * shown frame come before its true time, and those of the end come after the end.
 *
 * @returns a function that returns the composition offset of a sample
 */
function createMove({
  header,
}: IndexedRendition): (sample: number, decodeTime: number, compositionOffset: number) => number {
  const { trim, editMediaTime, end } = header;
  if (!trim) return (_sample, _decodeTime, offset) => offset;
  const { shownFromTicks } = trim;
  const hidden = new Map(trim.hiddenSamples.map((sample, rank) => [sample, rank]));
  return (sample, decodeTime, offset) => {
    const rank = hidden.get(sample);
    if (rank !== undefined) return editMediaTime + shownFromTicks + end + rank + 1 - decodeTime;
    return decodeTime + offset - editMediaTime <= shownFromTicks ? offset : offset + shownFromTicks;
  };
}

/** Collects runs of equal values: their length and the value. */
class RunWriter {
  readonly #columns = new ColumnWriter();
  #length = 0;
  #value = 0;

  push(value: number): void {
    if (this.#length > 0 && value === this.#value) {
      this.#length++;
      return;
    }
    this.#end();
    this.#length = 1;
    this.#value = value;
  }

  #end(): void {
    if (this.#length === 0) return;
    this.#columns.push(this.#length);
    this.#columns.push(this.#value);
  }

  toBuffer(): Buffer {
    this.#end();
    this.#length = 0;
    return this.#columns.toBuffer();
  }
}
