/** Writes the index of renditions that the site encoded in chunks: one track each, cut where the encoder put key frames. */
import type { Rendition } from '../../../protocol/media/media.ts';
import { type IndexedFile, type RenditionToIndex, writeSourceIndex } from './index-file.ts';
import { type TrackToIndex, toPlannedTrack, toRendition } from './indexed-rendition.ts';
import { planAtBoundaries } from './segment-plan.ts';
import { layTimeline } from './timeline.ts';

export interface EncodedTrack extends TrackToIndex {
  /** Id of the rendition. */
  readonly id: string;
}

interface EncodedRenditions {
  readonly indexPath: string;
  /** The files that `samples.files` of the tracks counts through. */
  readonly files: readonly IndexedFile[];
  /** Their times begin at the first instant of the video. */
  readonly tracks: readonly EncodedTrack[];
  /** Where segments begin, for renditions of this length; in seconds, without zero. */
  readonly boundariesFor: (durationSeconds: number) => readonly number[];
  readonly shownFromSeconds?: number | undefined;
  /** Audio group of all renditions: audio tracks belong to it, video tracks play with it. */
  readonly audioGroup?: string | undefined;
}

/** @throws SourceRejected if a segment would be too large or too long */
export async function indexEncoded({
  indexPath,
  files,
  tracks,
  boundariesFor,
  shownFromSeconds,
  audioGroup,
}: EncodedRenditions): Promise<{ readonly renditions: readonly Rendition[]; readonly durationMs: number }> {
  const served = layTimeline(tracks, 0);
  const seconds = Math.max(...served.map(({ end, track }) => end / track.timescale));
  const plans = planAtBoundaries(served.map(toPlannedTrack), boundariesFor(seconds));
  const renditions = served.map((one, i) =>
    inGroup(toRendition(one.track.id, one, plans[i]!, shownFromSeconds), audioGroup),
  );
  await writeSourceIndex(indexPath, files, renditions);
  return {
    renditions: renditions.map(({ header }) => header.rendition),
    durationMs: Math.max(1, Math.round(seconds * 1_000)),
  };
}

function inGroup(indexed: RenditionToIndex, group: string | undefined): RenditionToIndex {
  if (group === undefined) return indexed;
  const { rendition } = indexed.header;
  const bound: Rendition =
    rendition.kind === 'video'
      ? { ...rendition, audioGroup: group }
      : rendition.kind === 'audio'
        ? { ...rendition, group }
        : rendition;
  return { ...indexed, header: { ...indexed.header, rendition: bound } };
}
