/**
 * Chunks, encoded one by one, become renditions: their samples are listed one after another as if they had been encoded
 * in one go. The chunks' bytes stay where they are; what is written is an index.
 */
import { basename, join } from 'node:path';
import type { Rendition } from '../../../protocol/media/media.ts';
import {
  describeTracks,
  FileBytes,
  indexContainer,
  SampleColumns,
  type SourceTrack,
  type TrackDescription,
} from '../containers/containers.ts';
import {
  type EncodedTrack,
  type IndexedFile,
  indexEncoded,
  MAX_INDEXED_FILES,
} from '../index/source-index.ts';
import {
  AAC_FRAME_SAMPLES,
  AUDIO_RATE_HZ,
  audioFramesOf,
  chunkOf,
  HEADROOM_SECONDS,
  hasVideo,
  ticksOf,
  VIDEO_TIMESCALE,
} from './encode-args.ts';
import { type EncodePlan, listEvenBoundaries } from './encode-plan.ts';

/** A chunk's file; undefined of a chunk in which nothing was. */
export type ChunkFile = IndexedFile | undefined;

export interface StitchedSet {
  readonly renditions: readonly Rendition[];
  readonly durationMs: number;
}

interface Strand {
  readonly id: string;
  readonly kind: 'video' | 'audio';
  readonly timescale: number;
  readonly samples: SampleColumns;
  readonly files: number[];
  /** Of the first chunk that has it; the others must be coded alike. */
  first: { readonly track: SourceTrack; readonly description: TrackDescription } | undefined;
}

/**
 * Writes the index of the first `chunks.length` chunks of a plan.
 *
 * @throws Error if the chunks do not fit together
 */
export async function stitchChunks(
  plan: EncodePlan,
  directory: string,
  chunks: readonly ChunkFile[],
  indexPath: string,
): Promise<StitchedSet> {
  if (chunks.length > MAX_INDEXED_FILES)
    throw new Error(`${chunks.length} chunks are more than an index holds`);
  const files: IndexedFile[] = [];
  const strands = [
    ...(plan.video?.renditions ?? []).map(({ id }) => newStrand(id, 'video', VIDEO_TIMESCALE)),
    ...plan.audio.map(({ id }) => newStrand(id, 'audio', AUDIO_RATE_HZ)),
  ];
  for (const [number, file] of chunks.entries()) {
    if (!file) continue;
    await addChunk(plan, number, join(directory, file.name), strands, files.length);
    files.push(file);
  }
  if (plan.fillsGaps && chunks.length === plan.chunks.length) {
    for (const strand of strands) if (strand.kind === 'video') endWithFilm(strand.samples, plan);
  }
  const tracks = strands.flatMap(strand => toTrack(strand, plan));
  if (tracks.length === 0) throw new Error('the encoder made neither pictures nor sound of this source');
  return indexEncoded({
    indexPath,
    files,
    tracks,
    boundariesFor: seconds => boundariesOf(plan, seconds).slice(1),
    shownFromSeconds: plan.shownFromSeconds,
    audioGroup: plan.audioGroup,
  });
}

/** The last picture stands until the end of the film, and none longer. */
function endWithFilm({ count, presentationTimes, durations }: SampleColumns, plan: EncodePlan): void {
  const end = ticksOf(plan.originSeconds + plan.durationSeconds) - ticksOf(plan.originSeconds);
  let last = 0;
  for (let i = 0; i < count; i++) {
    if (presentationTimes[i]! > presentationTimes[last]!) last = i;
    durations[i] = Math.max(1, Math.min(durations[i]!, end - presentationTimes[i]!));
  }
  if (count > 0) durations[last] = Math.max(1, end - presentationTimes[last]!);
}

export const boundariesOf = (plan: EncodePlan, seconds: number): readonly number[] =>
  plan.boundaries ?? listEvenBoundaries(seconds);

const newStrand = (id: string, kind: Strand['kind'], timescale: number): Strand => ({
  id,
  kind,
  timescale,
  samples: new SampleColumns(),
  files: [],
  first: undefined,
});

async function addChunk(
  plan: EncodePlan,
  number: number,
  path: string,
  strands: readonly Strand[],
  file: number,
): Promise<void> {
  const described = await FileBytes.with(path, async bytes => describeTracks(indexContainer(bytes)));
  const chunk = chunkOf(plan, number);
  for (const kind of ['video', 'audio'] as const) {
    const found = described.filter(({ track }) => track.kind === kind);
    const wanted = strands.filter(strand => strand.kind === kind);
    // Where no picture falls into a chunk, all rungs lack it.
    if (found.length === 0 && (kind === 'audio' || !hasVideo(plan, chunk) || number > 0)) continue;
    if (found.length !== wanted.length) {
      throw new Error(
        `${basename(path)} has ${found.length} ${kind} tracks where ${wanted.length} were encoded`,
      );
    }
    for (const [i, strand] of wanted.entries()) {
      const { track, description } = found[i]!;
      if (!description) throw new Error(`${basename(path)} holds ${found[i]!.unplayable}`);
      if (track.timescale !== strand.timescale) throw new Error(`${basename(path)} has another clock`);
      strand.first ??= { track, description };
      if (
        description.codec !== strand.first.description.codec ||
        !isSame(description, strand.first.description)
      ) {
        throw new Error(`${basename(path)} is coded otherwise than the chunks before it`);
      }
      if (kind === 'video')
        addPictures(
          strand,
          track,
          ticksOf(plan.originSeconds + chunk.from) - ticksOf(plan.originSeconds),
          file,
        );
      else addSound(strand, track, audioFramesOf(chunk), Math.round(chunk.from * AUDIO_RATE_HZ), file);
    }
  }
}

const isSame = (a: TrackDescription, b: TrackDescription): boolean => a.configuration === b.configuration;

function addPictures(strand: Strand, { samples }: SourceTrack, offset: number, file: number): void {
  const shift = offset - HEADROOM_SECONDS * VIDEO_TIMESCALE;
  for (let i = 0; i < samples.count; i++) {
    strand.files.push(file);
    strand.samples.push(
      samples.offsets[i]!,
      samples.sizes[i]!,
      samples.decodeTimes[i]! + shift,
      samples.presentationTimes[i]! + shift,
      samples.durations[i]!,
      samples.sync[i] === 1,
    );
  }
}

/** Frames lie on one grid from the film's first instant on: those of the pre-roll and of the overlap are left out. */
function addSound(
  strand: Strand,
  { samples }: SourceTrack,
  frames: { readonly first: number; readonly end: number },
  chunkStart: number,
  file: number,
): void {
  const shift = chunkStart - HEADROOM_SECONDS * AUDIO_RATE_HZ;
  for (let i = 0; i < samples.count; i++) {
    const frame = Math.round((samples.presentationTimes[i]! + shift) / AAC_FRAME_SAMPLES);
    // The encoder's first frame lies before the film; a decoder that begins there needs it.
    const isPriming = frame === -1 && frames.first === 0;
    if (!isPriming && (frame < frames.first || frame >= frames.end)) continue;
    const time = frame * AAC_FRAME_SAMPLES;
    strand.files.push(file);
    strand.samples.push(samples.offsets[i]!, samples.sizes[i]!, time, time, AAC_FRAME_SAMPLES, true);
  }
}

function toTrack({ id, kind, timescale, samples, files, first }: Strand, plan: EncodePlan): EncodedTrack[] {
  if (!first || samples.count === 0) return [];
  const language = plan.audio.find(sound => sound.id === id)?.language;
  const description =
    first.description.kind === 'audio' && language ? { ...first.description, language } : first.description;
  const { count, offsets, sizes, decodeTimes, presentationTimes, durations, sync } = samples;
  return [
    {
      id,
      kind,
      timescale,
      samplePrefix: first.track.samplePrefix,
      description,
      samples: {
        count,
        files: Uint16Array.from(files),
        offsets,
        sizes,
        decodeTimes,
        presentationTimes,
        durations,
        sync,
      },
    },
  ];
}
