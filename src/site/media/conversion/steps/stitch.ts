/**
 * Joins separately encoded chunks into renditions: their samples are listed one after another, as if they had been encoded in one
 * run. The chunk files stay unchanged; only an index is written.
 */
import { basename, join } from 'node:path';
import type { Rendition } from '../../../../protocol/media/media.ts';
import {
  type DescribedTrack,
  describeTracks,
  FileBytes,
  indexContainer,
  SampleColumns,
  type SourceTrack,
  type TrackDescription,
} from '../../containers/containers.ts';
import {
  type EncodedTrack,
  type IndexedFile,
  indexEncoded,
  MAX_INDEXED_FILES,
} from '../../index/source-index.ts';
import { type EncodePlan, listBoundaries } from '../plan/encode-plan.ts';
import {
  AAC_FRAME_SAMPLES,
  AUDIO_RATE_HZ,
  audioFramesOf,
  findVideoTrack,
  getChunk,
  HEADROOM_SECONDS,
  ticksOf,
  VIDEO_TIMESCALE,
} from './encode-args.ts';

/** The file of a chunk; undefined if no track had anything in this chunk. */
export type ChunkFile = IndexedFile | undefined;

interface StitchedSet {
  readonly renditions: readonly Rendition[];
  readonly durationMs: number;
}

/** One rendition while its chunks are added. */
interface StitchedRendition {
  readonly id: string;
  readonly kind: 'video' | 'audio';
  readonly timescale: number;
  readonly samples: SampleColumns;
  /** For each sample, the number of its file. */
  readonly files: number[];
  /** From the first chunk that has this rendition. All others must have the same codec configuration. */
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
    throw new Error(`${chunks.length} chunks are more than an index can hold`);
  const files: IndexedFile[] = [];
  const renditions = [
    ...(plan.video?.renditions ?? []).map(({ id }) => newRendition(id, 'video', VIDEO_TIMESCALE)),
    ...plan.audio.map(({ id }) => newRendition(id, 'audio', AUDIO_RATE_HZ)),
  ];
  for (const [number, file] of chunks.entries()) {
    if (!file) continue;
    await addChunk({ plan, number, path: join(directory, file.name), file: files.length }, renditions);
    files.push(file);
  }
  if (chunks.length === plan.chunks.length) {
    for (const { kind, samples } of renditions) if (kind === 'video') extendLastFrame(samples, plan);
  }
  const tracks = renditions.flatMap(rendition => toTrack(rendition, plan));
  if (tracks.length === 0) throw new Error('the encoder produced neither video nor audio from this source');
  return indexEncoded({
    indexPath,
    files,
    tracks,
    boundariesFor: seconds => listBoundaries(plan, seconds).slice(1),
    shownFromSeconds: plan.shownFromSeconds,
    audioGroup: plan.audioGroup,
  });
}

/** A frame that is longer must be a mistake: the frames after it could not be decoded. */
const MAX_LAST_FRAME_TICKS = 20 * VIDEO_TIMESCALE;
const MIN_LAST_FRAME_TICKS = VIDEO_TIMESCALE / 1_000;

/** The last frame is shown exactly until the end of the video, which an encoder does not know. */
function extendLastFrame(
  { count, presentationTimes, durations }: SampleColumns,
  { originSeconds, durationSeconds, fillsGaps, video }: EncodePlan,
): void {
  const endSeconds = fillsGaps ? durationSeconds : video?.endSeconds;
  if (endSeconds === undefined) return;
  const end = ticksOf(originSeconds + endSeconds) - ticksOf(originSeconds);
  let last = 0;
  for (let i = 0; i < count; i++) {
    if (presentationTimes[i]! > presentationTimes[last]!) last = i;
    if (fillsGaps) durations[i] = Math.max(1, Math.min(durations[i]!, end - presentationTimes[i]!));
  }
  if (count === 0) return;
  const rest = end - presentationTimes[last]!;
  // Containers without presentation times may state the end a frame too early.
  if (fillsGaps) durations[last] = Math.max(1, rest);
  else if (rest > MIN_LAST_FRAME_TICKS && rest <= MAX_LAST_FRAME_TICKS) durations[last] = rest;
}

const newRendition = (id: string, kind: StitchedRendition['kind'], timescale: number): StitchedRendition => ({
  id,
  kind,
  timescale,
  samples: new SampleColumns(),
  files: [],
  first: undefined,
});

interface ChunkToAdd {
  readonly plan: EncodePlan;
  /** Of the chunk within the plan. */
  readonly number: number;
  readonly path: string;
  /** Of the file within the index. */
  readonly file: number;
}

async function addChunk(
  { plan, number, path, file }: ChunkToAdd,
  renditions: readonly StitchedRendition[],
): Promise<void> {
  const described = await FileBytes.with(path, async bytes => describeTracks(indexContainer(bytes)));
  const chunk = getChunk(plan, number);
  const name = basename(path);
  for (const kind of ['video', 'audio'] as const) {
    const found = described.filter(({ track }) => track.kind === kind);
    const expected = renditions.filter(rendition => rendition.kind === kind);
    // If no frame falls into a chunk, all renditions lack it.
    if (found.length === 0 && (kind === 'audio' || !findVideoTrack(plan, chunk) || number > 0)) continue;
    if (found.length !== expected.length) {
      throw new Error(`${name} has ${found.length} ${kind} tracks, but ${expected.length} were encoded`);
    }
    for (const [i, rendition] of expected.entries()) {
      const track = requireSameCoding(rendition, found[i], name);
      if (kind === 'video')
        addVideo(
          rendition,
          track,
          ticksOf(plan.originSeconds + chunk.from) - ticksOf(plan.originSeconds),
          file,
        );
      else
        addAudio(rendition, track, {
          frames: audioFramesOf(chunk),
          chunkStart: Math.round(chunk.from * AUDIO_RATE_HZ),
          file,
        });
    }
  }
}

/** @throws Error if a track of this chunk does not continue the rendition */
function requireSameCoding(
  rendition: StitchedRendition,
  found: DescribedTrack | undefined,
  name: string,
): SourceTrack {
  if (!found?.description) throw new Error(`${name} holds ${found?.unplayable ?? 'too few tracks'}`);
  const { track, description } = found;
  if (track.timescale !== rendition.timescale) throw new Error(`${name} has a different timescale`);
  rendition.first ??= { track, description };
  const { codec, configuration } = rendition.first.description;
  if (description.codec !== codec || description.configuration !== configuration) {
    throw new Error(`${name} has a different codec configuration than the chunks before it`);
  }
  return track;
}

function addVideo(
  rendition: StitchedRendition,
  { samples }: SourceTrack,
  offset: number,
  file: number,
): void {
  const shift = offset - HEADROOM_SECONDS * VIDEO_TIMESCALE;
  for (let i = 0; i < samples.count; i++) {
    rendition.files.push(file);
    const added = rendition.samples;
    const sample = added.append();
    added.offsets[sample] = samples.offsets[i]!;
    added.sizes[sample] = samples.sizes[i]!;
    added.decodeTimes[sample] = samples.decodeTimes[i]! + shift;
    added.presentationTimes[sample] = samples.presentationTimes[i]! + shift;
    added.durations[sample] = samples.durations[i]!;
    added.sync[sample] = samples.sync[i] === 1 ? 1 : 0;
  }
}

interface AudioToAdd {
  /** Frames to keep: `[first, end)`. */
  readonly frames: { readonly first: number; readonly end: number };
  /** Start of the chunk, audio samples. */
  readonly chunkStart: number;
  readonly file: number;
}

/** All frames lie on one grid that starts at the first presented instant. Those of the pre-roll and the overlap are left out. */
function addAudio(
  rendition: StitchedRendition,
  { samples }: SourceTrack,
  { frames, chunkStart, file }: AudioToAdd,
): void {
  const shift = chunkStart - HEADROOM_SECONDS * AUDIO_RATE_HZ;
  for (let i = 0; i < samples.count; i++) {
    const frame = Math.round((samples.presentationTimes[i]! + shift) / AAC_FRAME_SAMPLES);
    // The encoder's first frame lies before the first instant; a decoder that starts there needs it.
    const isPriming = frame === -1 && frames.first === 0;
    if (!isPriming && (frame < frames.first || frame >= frames.end)) continue;
    const time = frame * AAC_FRAME_SAMPLES;
    // Where the audio changes its layout, ffmpeg starts again with silence for the time before.
    const { count, decodeTimes } = rendition.samples;
    if (count > 0 && time <= decodeTimes[count - 1]!) continue;
    rendition.files.push(file);
    const added = rendition.samples;
    const sample = added.append();
    added.offsets[sample] = samples.offsets[i]!;
    added.sizes[sample] = samples.sizes[i]!;
    added.decodeTimes[sample] = time;
    added.presentationTimes[sample] = time;
    added.durations[sample] = AAC_FRAME_SAMPLES;
    added.sync[sample] = 1;
  }
}

function toTrack(
  { id, kind, timescale, samples, files, first }: StitchedRendition,
  plan: EncodePlan,
): EncodedTrack[] {
  if (!first || samples.count === 0) return [];
  const { language, name } = plan.audio.find(track => track.id === id) ?? {};
  const description =
    first.description.kind === 'audio'
      ? { ...first.description, ...(language ? { language } : {}), ...(name ? { name } : {}) }
      : first.description;
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
