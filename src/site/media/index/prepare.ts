/** Makes an uploaded source playable as it is: checks it, says what it is, and writes the index segments are cut from. */
import { basename } from 'node:path';
import { MAX_RENDITIONS } from '../../../protocol/limits.ts';
import type { Pictures, Rendition } from '../../../protocol/media/media.ts';
import {
  type DescribedTrack,
  describeTracks,
  FileBytes,
  type IndexedSource,
  indexContainer,
  type Samples,
  type SourceTrack,
} from '../containers/containers.ts';
import { damaged, SourceRejected } from '../source-rejected.ts';
import { hasGaps } from './gaps.ts';
import {
  MAX_COMPOSITION_OFFSET,
  MAX_SAMPLE_DURATION,
  type RenditionToIndex,
  writeSourceIndex,
} from './index-file.ts';
import { type TrackToIndex, toPlannedTrack, toRendition } from './indexed-rendition.ts';
import { planSegments } from './plan.ts';
import { layTimeline, type ServedTrack } from './timeline.ts';

export interface PreparedSource {
  /** `MP4`, `MOV`, `Matroska` or `WebM`. */
  readonly container: string;
  readonly durationMs: number;
  /** Of the source file. */
  readonly sizeBytes: number;
  /** Mean of the source file, bits per second. */
  readonly bitrateBps: number;
  /** As shown, in pixels; absent of a source without pictures. */
  readonly width?: number;
  readonly height?: number;
  readonly renditions: readonly Rendition[];
  /** One sentence for each track that is left out, for the uploader. */
  readonly notes: readonly string[];
  /** Time on the source's own clock of the instant that is shown first. */
  readonly originSeconds?: number;
  /** Of the stream: what lies before, an edit list hides, and is there only to decode what follows. Absent where there is none. */
  readonly shownFromSeconds?: number;
  /** A picture or a silence lasts longer than players bear. */
  readonly hasGaps?: true;
  /** Of the whole film, while only its beginning can be played yet. */
  readonly fullDurationMs?: number;
  /** Of a video that was another site's: where what is here of it is stored, and what stands beside its renditions. */
  readonly takenOver?: { readonly path: string; readonly pictures?: Pictures | undefined };
}

/**
 * Indexes `sourcePath` into `indexPath`. Reads synchronously: run it in a worker (`prepare-in-worker.ts`).
 *
 * @throws SourceRejected with a sentence for the uploader; other errors are of the machine (disk full, unreadable).
 */
export async function prepareSource(sourcePath: string, indexPath: string): Promise<PreparedSource> {
  return FileBytes.with(sourcePath, async file => {
    const source = indexContainer(file);
    if (source.tracks.length === 0) throw noTracks();
    const { chosen, notes } = chooseTracks(await describeTracks(source));
    const served = layTimeline(chosen);
    for (const { samples } of served) checkRecords(samples);
    const plans = planSegments(served.map(toPlannedTrack));
    const shownFromSeconds = findShownFrom(served);
    const renditions = nameRenditions(served).map((id, i) =>
      toRendition(id, served[i]!, plans[i]!, shownFromSeconds),
    );
    const files = [{ name: basename(sourcePath), sizeBytes: file.sizeBytes }];
    await writeSourceIndex(indexPath, files, renditions);
    const summary = summarise(source, file.sizeBytes, served, renditions, notes);
    return {
      ...summary,
      ...(shownFromSeconds === undefined ? {} : { shownFromSeconds }),
      ...(hasGaps(served) ? { hasGaps: true } : {}),
    };
  });
}

interface ChosenTrack extends TrackToIndex {
  readonly track: SourceTrack;
}

const CONVERT = 'Convert it to H.264 with AAC and upload it again.';

/**
 * The first playable video track that its author enabled, and every playable audio track. What is left out is noted; a
 * source whose only pictures or only sound cannot be played is refused.
 */
function chooseTracks(described: readonly DescribedTrack[]): {
  readonly chosen: readonly ChosenTrack[];
  readonly notes: readonly string[];
} {
  const ofKind = (kind: 'video' | 'audio'): readonly DescribedTrack[] =>
    described.filter(({ track }) => track.kind === kind);
  const playable = (tracks: readonly DescribedTrack[]): readonly ChosenTrack[] =>
    tracks.flatMap(({ track, description }) =>
      description
        ? [
            {
              kind: track.kind,
              timescale: track.timescale,
              samples: track.samples,
              samplePrefix: track.samplePrefix,
              track,
              description,
            },
          ]
        : [],
    );
  const videos = playable(ofKind('video'));
  const audios = playable(ofKind('audio'));
  const video = videos.find(({ track }) => track.isEnabled) ?? videos[0];
  // Chapter pictures and the like are tracks that their author disabled: sound may do without them.
  const shown = ofKind('video').filter(({ track }) => track.isEnabled || audios.length === 0);
  const mute = ofKind('audio');
  if (!video && shown[0]) throw refuse('video', shown[0].unplayable ?? 'of an unknown kind');
  if (audios.length === 0 && mute[0]) throw refuse('sound', mute[0].unplayable ?? 'of an unknown kind');
  const chosen = [...(video ? [video] : []), ...audios];
  if (chosen.length === 0) throw noTracks();
  if (chosen.length > MAX_RENDITIONS) throw damaged(`it has more than ${MAX_RENDITIONS} tracks`);
  const notes = described
    .filter(({ track }) => !chosen.some(other => other.track === track))
    .map(({ track, unplayable }) =>
      unplayable
        ? `A further ${track.kind} track was left out: it is ${unplayable}.`
        : `A further ${track.kind} track was left out: a film has one picture.`,
    );
  return { chosen, notes };
}

const refuse = (what: 'video' | 'sound', unplayable: string): SourceRejected =>
  unplayable.startsWith('encrypted')
    ? new SourceRejected(
        'protected',
        `This file's ${what} is ${unplayable}. Upload a version of the film without copy protection.`,
      )
    : new SourceRejected('codec-unsupported', `This file's ${what} is ${unplayable}. ${CONVERT}`);

const noTracks = (): SourceRejected =>
  new SourceRejected(
    'no-tracks',
    'The file holds neither pictures nor sound. Choose the film itself and upload it.',
  );

/** @throws SourceRejected if a sample's times do not fit a record of the index. */
function checkRecords(samples: Samples): void {
  const { count, decodeTimes, presentationTimes } = samples;
  for (let i = 0; i < count; i++) {
    const decode = decodeTimes[i]!;
    const isDurationFine = i + 1 === count || decodeTimes[i + 1]! - decode <= MAX_SAMPLE_DURATION;
    if (!isDurationFine || !(Math.abs(presentationTimes[i]! - decode) <= MAX_COMPOSITION_OFFSET)) {
      throw damaged('its times jump by more than a film lasts');
    }
  }
}

/** `source-video`, `source-audio`, `source-audio-2`, … */
function nameRenditions(served: readonly ServedTrack<ChosenTrack>[]): readonly string[] {
  const seen = { video: 0, audio: 0 };
  return served.map(({ track }) => {
    const number = ++seen[track.kind];
    return number === 1 ? `source-${track.kind}` : `source-${track.kind}-${number}`;
  });
}

/** Nobody sees less than this of what was to be hidden. */
const HARDLY_SEEN_SECONDS = 0.1;

/** Pictures that lie before zero on the source's own clock were moved behind it, because what follows is decoded from them. */
function findShownFrom(served: readonly ServedTrack<ChosenTrack>[]): number | undefined {
  const { shift = 0 } = served.find(({ track }) => track.kind === 'video') ?? {};
  return shift > HARDLY_SEEN_SECONDS ? shift : undefined;
}

function summarise(
  source: IndexedSource,
  sizeBytes: number,
  served: readonly ServedTrack<ChosenTrack>[],
  renditions: readonly RenditionToIndex[],
  notes: readonly string[],
): PreparedSource {
  const seconds = Math.max(...served.map(({ end, track }) => end / track.timescale));
  const durationMs = Math.max(1, Math.round(seconds * 1_000));
  const picture = served.find(({ track }) => track.description.kind === 'video')?.track.description;
  return {
    container: source.container,
    durationMs,
    sizeBytes,
    bitrateBps: Math.max(1, Math.round((sizeBytes * 8_000) / durationMs)),
    ...(picture?.kind === 'video' ? { width: picture.width, height: picture.height } : {}),
    renditions: renditions.map(({ header }) => header.rendition),
    notes,
    originSeconds: 0 - (served[0]?.shift ?? 0),
  };
}
