/** Entry of this folder: trims all renditions of a video between two marks, into new index files. No media file is read. */

import { join } from 'node:path';
import { problem } from '../../../kernel/problem.ts';
import { newRevisionId, type VideoId } from '../../../protocol/base/ids.ts';
import type { Rendition } from '../../../protocol/media/media.ts';
import { type IndexedRendition, SourceIndex, writeSourceIndex } from '../index/source-index.ts';
import type { Storage } from '../storage/storage.ts';
import {
  readRange,
  TOLERANCE_SECONDS,
  type TrimmedRendition,
  type TrimRange,
  trimRendition,
} from './trim-rendition.ts';

export { cutChapters, restoreChapters } from './chapters.ts';
export { moveCaptions } from './trim-captions.ts';
export type { TrimRange } from './trim-rendition.ts';

/** A video between two marks. */
export interface TrimmedVideo {
  /** The marks, moved to the nearest frame if they were rounded. */
  readonly range: TrimRange;
  /** New index files. */
  readonly indexes: readonly string[];
  readonly renditions: readonly Rendition[];
  readonly durationMs: number;
}

/**
 * @param indexes of the untrimmed video
 * @throws Problem `trim-invalid` if nothing is left
 */
export async function trimVideo(
  storage: Pick<Storage, 'open' | 'directory'>,
  video: VideoId,
  { indexes, range: wanted }: { readonly indexes: readonly string[]; readonly range: TrimRange },
): Promise<TrimmedVideo> {
  const opened: SourceIndex[] = [];
  try {
    for (const name of indexes) opened.push(await SourceIndex.read(await storage.open(video, name), name));
    const range = await moveToFrames(
      opened.flatMap(({ renditions }) => renditions),
      wanted,
    );
    if (range.endSeconds - range.startSeconds < TOLERANCE_SECONDS) throw problem('trim-invalid');
    const trimmed: TrimmedRendition[][] = [];
    for (const { renditions } of opened) {
      const ofIndex: TrimmedRendition[] = [];
      for (const rendition of renditions) {
        const one = await trimRendition(rendition, range);
        if (one) ofIndex.push(one);
      }
      trimmed.push(ofIndex);
    }
    const all = trimmed.flat();
    const hadVideo = opened.some(({ renditions }) => renditions.some(isVideo));
    if (all.length === 0 || (hadVideo && !all.some(({ header }) => header.description.kind === 'video')))
      throw problem('trim-invalid');
    const shownFromSeconds = Math.max(...all.map(one => one.shownFromSeconds));
    const names: string[] = [];
    const suffix = newRevisionId().slice(-12);
    for (const [at, ofIndex] of trimmed.entries()) {
      if (ofIndex.length === 0) continue;
      const name = `${(indexes[at] ?? '').replace(/\.index$/, '')}.trim-${suffix}.index`;
      await writeSourceIndex(
        join(storage.directory(video), name),
        opened[at]?.files ?? [],
        ofIndex.map(one => startAt(one, shownFromSeconds)),
      );
      names.push(name);
    }
    return {
      range,
      indexes: names,
      renditions: all.map(({ header }) => header.rendition),
      durationMs: Math.max(1, Math.round((range.endSeconds - range.startSeconds) * 1_000)),
    };
  } finally {
    await Promise.all(opened.map(index => index.close()));
  }
}

const isVideo = ({ header }: IndexedRendition): boolean => header.description.kind === 'video';

const startAt = (one: TrimmedRendition, seconds: number): TrimmedRendition =>
  seconds === 0 ? one : { ...one, header: { ...one.header, shownFromSeconds: seconds } };

/** Marks are given in milliseconds. A mark that is the rounded start of a frame means this frame. */
async function moveToFrames(renditions: readonly IndexedRendition[], range: TrimRange): Promise<TrimRange> {
  const ends = renditions.map(({ header }) => header.end / header.timescale);
  const endSeconds = Math.min(range.endSeconds, Math.max(...ends));
  const video = renditions.find(isVideo);
  if (!video) return { ...range, endSeconds };
  const move = async (seconds: number): Promise<number> => {
    const { shownAt } = await readRange(video, {
      startSeconds: seconds,
      endSeconds: seconds + 2 * TOLERANCE_SECONDS,
    });
    let best = Number.POSITIVE_INFINITY;
    for (const ticks of shownAt) {
      const at = ticks / video.header.timescale;
      if (Math.abs(at - seconds) < Math.abs(best - seconds)) best = at;
    }
    return Math.abs(best - seconds) <= TOLERANCE_SECONDS ? Math.max(0, best) : seconds;
  };
  return { startSeconds: await move(range.startSeconds), endSeconds: await move(endSeconds) };
}
