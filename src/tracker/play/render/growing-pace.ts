/**
 * How much of a growing video its playlists list. A site publishes a growing video in steps of at least one encoded chunk, but a
 * playlist without an end must become longer at least every 1.5 target durations (RFC 8216bis, section 6.2.1). So each step is
 * listed little by little until the next one is expected. Pure except for its memory; time is an argument.
 */
import { LRUCache } from 'lru-cache';
import type { RevisionId, VideoId } from '../../../protocol/base/ids.ts';

/** Three target durations, the least that a live playlist may list (RFC 8216bis, section 6.2.2). */
const MIN_LISTED_S = 12;
/** Withheld from the first playlist: most of a chunk, which lasts until the next step. */
const WITHHELD_S = 28;
/** The next step may come later than the one before by this factor. */
const MARGIN = 1.5;
/** Seconds listed per second: a segment of four seconds every five seconds. */
const MIN_RATE = 0.8;
const MAX_VIDEOS = 10_000;

export interface GrowingPace {
  /** @returns the seconds of the video that its playlists list now; never less than before */
  list(video: VideoId, revision: RevisionId, knownSeconds: number, nowMs: number): number;
}

/** A published step. */
interface Step {
  readonly revision: RevisionId;
  readonly knownSeconds: number;
  readonly atMs: number;
  /** Listed when the step was published. */
  readonly listedSeconds: number;
  readonly rate: number;
}

export function createGrowingPace(): GrowingPace {
  const steps = new LRUCache<VideoId, Step>({ max: MAX_VIDEOS });
  return {
    list(video, revision, knownSeconds, nowMs) {
      const before = steps.get(video);
      const step =
        before?.revision === revision
          ? before
          : startStep(before, {
              revision,
              knownSeconds: Math.max(knownSeconds, before?.knownSeconds ?? 0),
              atMs: nowMs,
            });
      if (step !== before) steps.set(video, step);
      return listedAt(step, nowMs);
    },
  };
}

function startStep(before: Step | undefined, step: Pick<Step, 'revision' | 'knownSeconds' | 'atMs'>): Step {
  const { knownSeconds, atMs } = step;
  if (!before) {
    const listedSeconds = Math.max(Math.min(MIN_LISTED_S, knownSeconds), knownSeconds - WITHHELD_S);
    return { ...step, listedSeconds, rate: MIN_RATE };
  }
  const listedSeconds = listedAt(before, atMs);
  const expectedSeconds = (Math.max(1, atMs - before.atMs) / 1_000) * MARGIN;
  return {
    ...step,
    listedSeconds,
    rate: Math.max(MIN_RATE, (knownSeconds - listedSeconds) / expectedSeconds),
  };
}

const listedAt = ({ knownSeconds, atMs, listedSeconds, rate }: Step, nowMs: number): number =>
  Math.min(knownSeconds, listedSeconds + (rate * Math.max(0, nowMs - atMs)) / 1_000);
