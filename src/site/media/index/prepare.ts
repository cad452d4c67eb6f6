/** Checks and describes an uploaded source, and writes the index from which its segments are cut. */
import { basename } from 'node:path';
import { MAX_RENDITIONS } from '../../../protocol/base/limits.ts';
import type { Pictures, Rendition } from '../../../protocol/media/media.ts';
import {
  type DescribedTrack,
  describeTracks,
  FileBytes,
  type IndexedSource,
  indexContainer,
  type Samples,
  type SourceTrack,
  unmarkOpenGroups,
} from '../containers/containers.ts';
import { damaged, SourceRejected } from '../source-rejected.ts';
import { chooseVideoTrack, type TrackPosition } from '../video-track.ts';
import { hasGaps } from './gaps.ts';
import { MAX_COMPOSITION_OFFSET, MAX_SAMPLE_DURATION, writeSourceIndex } from './index-file.ts';
import { type TrackToIndex, toPlannedTrack, toRendition } from './indexed-rendition.ts';
import { type PlannedSegment, planSegments } from './segment-plan.ts';
import { layTimeline, type ServedTrack } from './timeline.ts';

export interface PreparedSource {
  /** `MP4`, `MOV`, `Matroska` or `WebM`. */
  readonly container: string;
  readonly durationMs: number;
  /** Size of the source file. */
  readonly sizeBytes: number;
  /** Average bit rate of the source file, in bits per second. */
  readonly bitrateBps: number;
  /** Displayed size in pixels; absent without a video track. */
  readonly width?: number;
  readonly height?: number;
  readonly renditions: readonly Rendition[];
  /** One sentence for the uploader about each track that is left out. */
  readonly notes: readonly string[];
  /** The video track that is shown, if the source has several. */
  readonly videoTrack?: TrackPosition;
  /** Time of zero of the served timeline on the clock of the source. */
  readonly originSeconds?: number;
  /** The same on the clock of the upload, if its frames were copied into another container. */
  readonly uploadOriginSeconds?: number;
  /** Where players begin: an edit list hides the samples before, which only serve to decode the samples after. Absent at zero. */
  readonly shownFromSeconds?: number;
  /** A gap in the video or audio is longer than players tolerate. */
  readonly hasGaps?: true;
  /** An edit list hides frames that are served all the same, because others are decoded from them. */
  readonly hidesFrames?: true;
  /** Segments are long because the container marks frames as sync samples at which no decoder can begin. */
  readonly hasLongSegments?: true;
  /** The video may be interlaced, which browsers show with combing artefacts. */
  readonly mayBeInterlaced?: true;
  /** Duration of the whole video while only its beginning is playable. */
  readonly fullDurationMs?: number;
  /** Set for a video taken over from another site: where its copy is stored, and the images that belong to it. */
  readonly takenOver?: { readonly path: string; readonly pictures?: Pictures | undefined };
}

/**
 * Indexes `sourcePath` into `indexPath`. It reads synchronously, so servers call it through `prepareInWorker`.
 *
 * @throws SourceRejected if the source cannot be published; other errors come from the machine (disk full, unreadable file)
 */
export async function prepareSource(sourcePath: string, indexPath: string): Promise<PreparedSource> {
  return FileBytes.with(sourcePath, async file => {
    const source = indexContainer(file);
    if (source.tracks.length === 0) throw noTracks();
    const { chosen, notes, videoTrack } = chooseTracks(await describeTracks(source), source.isCutOff);
    const hasOpenGroups = keepRandomAccess(file, chosen, videoTrack);
    const served = layTimeline(chosen);
    for (const { samples } of served) checkRecords(samples);
    const plans = planSegments(served.map(toPlannedTrack));
    const videoPlan = plans[served.findIndex(({ track }) => track.kind === 'video')];
    const shownFromSeconds = findShownFrom(served);
    const renditions = nameRenditions(served).map((id, i) =>
      toRendition(id, served[i]!, plans[i]!, shownFromSeconds),
    );
    const files = [{ name: basename(sourcePath), sizeBytes: file.sizeBytes }];
    await writeSourceIndex(indexPath, files, renditions);
    return {
      ...summarise(source, file.sizeBytes, served),
      renditions: renditions.map(({ header }) => header.rendition),
      notes: source.isCutOff ? [...notes, CUT_OFF] : notes,
      ...(videoTrack ? { videoTrack } : {}),
      ...(shownFromSeconds === undefined ? {} : { shownFromSeconds }),
      ...(hasGaps(served) ? { hasGaps: true } : {}),
      ...(hidesFrames(chosen) ? { hidesFrames: true } : {}),
      ...(hasOpenGroups && videoPlan && hasLongSegments(videoPlan, served) ? { hasLongSegments: true } : {}),
    };
  });
}

const CUT_OFF = 'The end of the file is missing. What it contains was published.';

/**
 * Segments begin only where a decoder can begin.
 *
 * @returns true if the container marks further frames, at which it cannot
 * @throws SourceRejected if it cannot begin at the first frame
 */
function keepRandomAccess(
  file: FileBytes,
  chosen: readonly ChosenTrack[],
  videoTrack: TrackPosition | undefined,
): boolean {
  const video = chosen.find(({ track }) => track.kind === 'video');
  if (video?.description.kind !== 'video') return false;
  const { samples } = video;
  // If no sample is marked as a sync sample, the first one must be one.
  if (samples.count > 0 && !samples.sync.subarray(0, samples.count).includes(1)) samples.sync[0] = 1;
  const { unmarked, isFirst } = unmarkOpenGroups(file, video.track, video.description);
  if (isFirst) {
    throw new SourceRejected(
      'codec-unsupported',
      'The first frames of this video refer to frames that are missing, so players could not begin. Export it with closed groups of pictures, and upload it again.',
      { videoTrack },
    );
  }
  return unmarked > 0;
}

/** Viewers wait for the end of a segment when they start and seek. */
const MAX_SEGMENT_SECONDS = 12;

function hasLongSegments(
  segments: readonly PlannedSegment[],
  served: readonly ServedTrack<ChosenTrack>[],
): boolean {
  const { timescale = 1 } = served.find(({ track }) => track.kind === 'video')?.track ?? {};
  return segments.some(({ start, end }) => (end - start) / timescale > MAX_SEGMENT_SECONDS);
}

/** False if players would stall, or show something else than the author intended. Such a source is converted. */
export const isServable = ({ hasGaps, hidesFrames, hasLongSegments }: PreparedSource): boolean =>
  !hasGaps && !hidesFrames && !hasLongSegments;

/** What a player shows may differ by one frame from what the author chose. */
const hidesFrames = (chosen: readonly ChosenTrack[]): boolean =>
  chosen.some(({ track }) => track.kind === 'video' && (track.hiddenSamples ?? 0) > 1);

interface ChosenTrack extends TrackToIndex {
  readonly track: SourceTrack;
}

const CONVERT = 'Convert it to H.264 with AAC, and upload it again.';

interface Choice {
  readonly chosen: readonly ChosenTrack[];
  readonly notes: readonly string[];
  /** Set if the source has several video tracks. */
  readonly videoTrack: TrackPosition | undefined;
}

/**
 * Chooses one video track, and the playable audio tracks, the default one first. Each track that is left out gets a note.
 *
 * @throws SourceRejected if the video track or every audio track of the source is unplayable
 */
function chooseTracks(described: readonly DescribedTrack[], isCutOff: boolean): Choice {
  const ofKind = (kind: 'video' | 'audio'): readonly DescribedTrack[] =>
    described.filter(({ track }) => track.kind === kind);
  const audios = ofKind('audio').flatMap(toChosenTrack);
  // Chapter images and the like are disabled video tracks: a source with audio does not need them.
  const videos = ofKind('video').filter(
    ({ track, description }) => track.isEnabled || description !== undefined || audios.length === 0,
  );
  const main = chooseVideoTrack(videos.map(each => ({ ...each.track, each })))?.each;
  const [video] = main ? toChosenTrack(main) : [];
  const videoTrack = main && ofKind('video').length > 1 ? main.track.position : undefined;
  if (main && !video) throw reject(main, { videoTrack, isCutOff });
  const [unplayableAudio] = ofKind('audio');
  if (audios.length === 0 && unplayableAudio) throw reject(unplayableAudio, { videoTrack, isCutOff });
  const sorted = audios.toSorted((a, b) => Number(b.track.isDefault) - Number(a.track.isDefault));
  const chosen = [...(video ? [video] : []), ...sorted.slice(0, MAX_RENDITIONS - 1)];
  if (chosen.length === 0) throw noTracks();
  const notes = described
    .filter(({ track }) => !chosen.some(other => other.track === track))
    .map(({ track: { kind }, unplayable }) =>
      unplayable
        ? `A further ${kind} track was left out: it is ${unplayable}.`
        : `A further ${kind} track was left out: a video can have only ${kind === 'video' ? 'one' : MAX_RENDITIONS - 1}.`,
    );
  return { chosen, notes, videoTrack };
}

const toChosenTrack = ({ track, description }: DescribedTrack): ChosenTrack[] => {
  const { kind, timescale, samples, samplePrefix } = track;
  return description ? [{ kind, timescale, samples, samplePrefix, track, description }] : [];
};

function reject(
  described: DescribedTrack,
  facts: Pick<SourceRejected, 'videoTrack' | 'isCutOff'>,
): SourceRejected {
  const { track, unplayable = 'in an unknown codec' } = described;
  const what = `The ${track.kind === 'video' ? 'video' : 'audio track'} is ${unplayable}.`;
  return 'isEncrypted' in described
    ? new SourceRejected('protected', `${what} Upload a version without copy protection.`)
    : new SourceRejected('codec-unsupported', `${what} ${CONVERT}`, facts);
}

const noTracks = (): SourceRejected =>
  new SourceRejected(
    'no-tracks',
    'The file has neither a video nor an audio track. Upload the video file itself.',
  );

/** @throws SourceRejected if the times of a sample do not fit into a record of the index */
function checkRecords(samples: Samples): void {
  const { count, decodeTimes, presentationTimes } = samples;
  for (let i = 0; i < count; i++) {
    const decode = decodeTimes[i]!;
    const isDurationFine = i + 1 === count || decodeTimes[i + 1]! - decode <= MAX_SAMPLE_DURATION;
    if (!isDurationFine || !(Math.abs(presentationTimes[i]! - decode) <= MAX_COMPOSITION_OFFSET)) {
      throw damaged('its timestamps jump too far');
    }
  }
}

/** Names renditions `source-video`, `source-audio`, `source-audio-2`, … */
function nameRenditions(served: readonly ServedTrack<ChosenTrack>[]): readonly string[] {
  const seen = { video: 0, audio: 0 };
  return served.map(({ track }) => {
    const number = ++seen[track.kind];
    return number === 1 ? `source-${track.kind}` : `source-${track.kind}-${number}`;
  });
}

/** A hidden beginning shorter than this is shown: nobody notices it. */
const UNNOTICED_SECONDS = 0.1;

/** Video samples before zero were moved to zero, because later samples are decoded from them. Players begin after them. */
function findShownFrom(served: readonly ServedTrack<ChosenTrack>[]): number | undefined {
  const { shift = 0 } = served.find(({ track }) => track.kind === 'video') ?? {};
  return shift > UNNOTICED_SECONDS ? shift : undefined;
}

function summarise(
  source: IndexedSource,
  sizeBytes: number,
  served: readonly ServedTrack<ChosenTrack>[],
): Omit<PreparedSource, 'renditions' | 'notes'> {
  const seconds = Math.max(...served.map(({ end, track }) => end / track.timescale));
  const durationMs = Math.max(1, Math.round(seconds * 1_000));
  const video = served.find(({ track }) => track.description.kind === 'video')?.track.description;
  return {
    container: source.container,
    durationMs,
    sizeBytes,
    bitrateBps: Math.max(1, Math.round((sizeBytes * 8_000) / durationMs)),
    ...(video?.kind === 'video' ? { width: video.width, height: video.height } : {}),
    ...(video?.kind === 'video' && video.mayBeInterlaced ? { mayBeInterlaced: true } : {}),
    originSeconds: 0 - (served[0]?.shift ?? 0),
  };
}
