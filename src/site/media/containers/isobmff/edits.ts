/**
 * Applies edit lists (ISO/IEC 14496-12, section 8.6.6), which select the samples that a track shows and place them on the
 * timeline.
 *
 * The samples kept around an edit, and the time of a frame that straddles its start, follow ffmpeg's reader (`mov_fix_index` in
 * libavformat/mov.c): the packets that a site serves must equal those that `ffmpeg -c copy` reads.
 */

import { damaged, SourceRejected } from '../../source-rejected.ts';
import { type Samples, sliceSamples } from '../source/samples.ts';
import { type Box, needBody, readUInt64 } from './box.ts';

const MAX_EDITS = 10_000;
const RATE_1 = 0x1_0000;

export interface Edit {
  /** Ticks of the track; undefined for an empty edit. */
  readonly mediaTime: number | undefined;
  /** Ticks of the movie. In fragmented files, 0 means "to the end". */
  readonly duration: number;
}

/** One interval of the media after one delay, in ticks of the track. Other edit lists are rejected. */
export interface Presentation {
  readonly delay: number;
  readonly mediaTime: number;
  /** Infinite if the edit lasts to the end. */
  readonly duration: number;
}

/** @throws SourceRejected if the list is malformed or changes the speed */
export function readEdits(moov: Buffer, elst: Box | undefined): readonly Edit[] {
  if (!elst) return [];
  needBody(elst, 8);
  const version = moov[elst.body]!;
  const bytes = version === 1 ? 20 : 12;
  const count = moov.readUInt32BE(elst.body + 4);
  if (count > MAX_EDITS || count * bytes > elst.end - elst.body - 8)
    throw damaged('its edit list is malformed');
  const edits: Edit[] = [];
  for (let i = 0; i < count; i++) {
    const at = elst.body + 8 + i * bytes;
    const duration = version === 1 ? readUInt64(moov, at) : moov.readUInt32BE(at);
    const isEmpty = moov.readInt32BE(version === 1 ? at + 8 : at + 4) < 0;
    const mediaTime = isEmpty
      ? undefined
      : version === 1
        ? readUInt64(moov, at + 8)
        : moov.readUInt32BE(at + 4);
    if (!Number.isFinite(duration) || mediaTime === Number.POSITIVE_INFINITY)
      throw damaged('its edit list is malformed');
    if (!isEmpty && moov.readInt32BE(at + bytes - 4) !== RATE_1) throw unsupportedEdits();
    edits.push({ mediaTime, duration });
  }
  return edits;
}

/**
 * Joins edits that follow each other in the media without a break.
 *
 * @returns undefined if there are no edits, or only empty ones
 * @throws SourceRejected if the edits do not follow each other
 */
export function choosePresentation(
  edits: readonly Edit[],
  timescale: number,
  movieTimescale: number,
): Presentation | undefined {
  const ticks = (duration: number): number => Math.round((duration * timescale) / movieTimescale);
  let delay = 0;
  let whole: Presentation | undefined;
  for (const edit of edits) {
    if (edit.mediaTime === undefined) {
      if (!whole) delay += ticks(edit.duration);
      continue;
    }
    const duration = edit.duration === 0 ? Number.POSITIVE_INFINITY : ticks(edit.duration);
    if (!whole) whole = { delay, mediaTime: edit.mediaTime, duration };
    else {
      // Each duration is rounded to the movie's coarser ticks.
      const slack = Math.ceil(timescale / movieTimescale) + 1;
      if (Math.abs(whole.mediaTime + whole.duration - edit.mediaTime) > slack) throw unsupportedEdits();
      whole = { ...whole, duration: edit.mediaTime + duration - whole.mediaTime };
    }
  }
  return whole;
}

const unsupportedEdits = (): SourceRejected =>
  new SourceRejected(
    'structure-unsupported',
    'The video was edited but not exported: its edit list joins pieces or changes the speed. Export it as a new file, and upload that.',
  );

export interface EditedTrack {
  readonly kind: 'video' | 'audio';
  readonly timescale: number;
  readonly samples: Samples;
  /** The track has a composition table or composition offsets. */
  readonly hasComposition: boolean;
}

/**
 * Keeps the samples of the presentation and moves their times to the source's timeline.
 *
 * @throws SourceRejected if no sample is shown
 */
export function applyPresentation(track: EditedTrack, presentation: Presentation): Samples {
  const { kind, samples, hasComposition } = track;
  const { delay, mediaTime } = presentation;
  const end = mediaTime + presentation.duration;
  const first = findFirstKept(track, mediaTime);
  let to = samples.count;
  let start: number | undefined;
  let skipped = 0;
  let earliest = -1;
  let isKeyAfterEndSeen = false;
  for (let i = first; i < samples.count; i++) {
    const shown = samples.presentationTimes[i]!;
    const decode = samples.decodeTimes[i]!;
    const length = i + 1 < samples.count ? samples.decodeTimes[i + 1]! - decode : samples.durations[i]!;
    const isInside = shown >= mediaTime && shown < end;
    if (isInside) {
      start ??= decode;
      const fromStart = shown - start;
      // As in ffmpeg, where a negative value means "not set yet".
      if (earliest < 0 || fromStart < earliest) earliest = fromStart;
    } else if (kind === 'audio' && start === undefined && shown < mediaTime && shown + length > mediaTime) {
      start = decode;
      skipped = mediaTime - shown;
    }
    if (shown + length >= end && (kind === 'audio' || samples.sync[i] === 1)) {
      // Frames that lead the first key frame after the end belong to the edit, so reading continues to the next key frame.
      if (hasComposition && kind === 'video' && !isKeyAfterEndSeen) isKeyAfterEndSeen = true;
      else {
        to = i + 1;
        break;
      }
    }
  }
  if (start === undefined) throw damaged('its edit list shows nothing');
  const shift = delay - skipped - start - (kind === 'video' ? Math.max(0, earliest) : 0);
  const kept = sliceSamples(samples, first, to);
  shiftPresentation(kept, shift);
  return kept;
}

/** Changes the columns in place: no one else reads them yet. */
export function shiftPresentation(samples: Samples, shift: number): void {
  for (let i = 0; i < samples.count; i++)
    samples.presentationTimes[i] = samples.presentationTimes[i]! + shift;
}

/** Finds the sync sample from which the whole edit can be decoded. Audio begins a second earlier, to prime its decoder. */
function findFirstKept({ kind, samples, timescale }: EditedTrack, mediaTime: number): number {
  const { presentationTimes, decodeTimes, sync } = samples;
  const target = kind === 'audio' ? Math.max(mediaTime - timescale, decodeTimes[0]!) : mediaTime;
  let latest = -1;
  for (let i = 0; i < samples.count && decodeTimes[i]! <= target; i++) {
    if (sync[i] === 1 && presentationTimes[i]! <= target) latest = i;
  }
  if (latest < 0) return 0;
  while (latest > 0 && decodeTimes[latest - 1] === decodeTimes[latest] && sync[latest - 1] === 1) latest--;
  return latest;
}
