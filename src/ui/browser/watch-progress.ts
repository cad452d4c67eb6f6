/**
 * Where this viewer stopped in each video, kept in this browser only. The player writes it, and lists of videos show it. It is bounded:
 * the oldest entries make room for new ones.
 */
import { readItem, writeItem } from './storage.ts';

export interface WatchProgress {
  readonly video: string;
  readonly atMs: number;
  readonly durationMs: number;
  /** When the viewer watched it last, in milliseconds since 1970. */
  readonly atTime: number;
}

const STORAGE_KEY = 'tributary.watch-progress';
const MAX_VIDEOS = 200;
/** Somebody who stops sooner has hardly begun, and somebody who stops later has seen the video. */
const MIN_WATCHED_MS = 10_000;
const MAX_REMAINING_MS = 15_000;
const MAX_REMAINING_SHARE = 0.05;

/** True if it is worth offering to continue there. */
export function isResumable({ atMs, durationMs }: Pick<WatchProgress, 'atMs' | 'durationMs'>): boolean {
  const remainingMs = durationMs - atMs;
  return (
    atMs >= Math.min(MIN_WATCHED_MS, durationMs * MAX_REMAINING_SHARE) &&
    remainingMs > Math.min(MAX_REMAINING_MS, durationMs * MAX_REMAINING_SHARE)
  );
}

const isProgress = (value: unknown): value is WatchProgress => {
  if (typeof value !== 'object' || value === null) return false;
  const { video, atMs, durationMs, atTime } = value as Record<string, unknown>;
  return typeof video === 'string' && [atMs, durationMs, atTime].every(Number.isFinite);
};

function readAll(): readonly WatchProgress[] {
  try {
    const found: unknown = JSON.parse(readItem('localStorage', STORAGE_KEY) ?? '[]');
    return Array.isArray(found) ? found.filter(isProgress) : [];
  } catch {
    // Another program wrote something else there.
    return [];
  }
}

export const watchProgress = {
  /** The videos that may be continued, the last watched one first. */
  list: (): readonly WatchProgress[] => readAll().filter(isResumable),
  get: (video: string): WatchProgress | undefined => readAll().find(entry => entry.video === video),
  /** Undefined forgets the video. */
  set(video: string, progress: Omit<WatchProgress, 'video'> | undefined): void {
    const others = readAll().filter(entry => entry.video !== video);
    const all = progress === undefined ? others : [{ video, ...progress }, ...others];
    writeItem('localStorage', STORAGE_KEY, JSON.stringify(all.slice(0, MAX_VIDEOS)));
  },
};
