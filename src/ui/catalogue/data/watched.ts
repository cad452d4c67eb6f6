/** How much of each video this viewer has watched, by what this browser remembers. */
import { useEffect, useState } from 'preact/hooks';
import { type WatchProgress, watchProgress } from '../../browser/watch-progress.ts';

export type Watched = ReadonlyMap<string, number>;

const listeners = new Set<() => void>();
let known: { readonly list: readonly WatchProgress[]; readonly watched: Watched } | undefined;

function read(): NonNullable<typeof known> {
  const list = watchProgress.list();
  known = {
    list,
    watched: new Map(list.map(({ video, atMs, durationMs }) => [video, Math.min(1, atMs / durationMs)])),
  };
  return known;
}

/** Another tab may have played meanwhile, and a page that the browser kept is older than the playback since. */
function refresh(): void {
  if (document.hidden) return;
  read();
  for (const listener of listeners) listener();
}

function useProgress(): NonNullable<typeof known> {
  const [progress, setProgress] = useState(() => known ?? read());
  useEffect(() => {
    const update = (): void => setProgress(known ?? read());
    listeners.add(update);
    if (listeners.size === 1) {
      addEventListener('pageshow', refresh);
      document.addEventListener('visibilitychange', refresh);
    }
    return () => {
      listeners.delete(update);
      if (listeners.size > 0) return;
      removeEventListener('pageshow', refresh);
      document.removeEventListener('visibilitychange', refresh);
    };
  }, []);
  return progress;
}

/** For each video that may be continued, how much of it was watched: 0 to 1. */
export const useWatched = (): Watched => useProgress().watched;
/** The videos that may be continued, the last watched one first. */
export const useProgressList = (): readonly WatchProgress[] => useProgress().list;

export function forgetProgress(video: string): void {
  watchProgress.set(video, undefined);
  refresh();
}
