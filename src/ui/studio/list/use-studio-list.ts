/** Loads the list of the studio by pages, and follows its changes with one waiting call, so that an idle page sends almost nothing. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { SiteChanges, SiteVideoPage } from '../../../protocol/studio.ts';
import { call } from '../../api/call.ts';
import {
  addPage,
  applyChanges,
  type ListState,
  needsReload,
  renewFirstPage,
  startList,
} from './list-state.ts';

const PAGE = 50;
/** Shorter than the time limit of a call. */
const WAIT_S = 12;
const RETRY_MS = 3_000;
/** Changes that arrive together reload the list once. */
const RELOAD_MS = 250;

export interface StudioList {
  /** Undefined until the first page was loaded. */
  readonly value: ListState | undefined;
  readonly error: unknown;
  readonly loadMore: () => Promise<void>;
  /** Loads the first page again. */
  readonly refresh: () => void;
}

/** @param query of `GET /api/videos`, without cursor and limit; another one starts again */
export function useStudioList(
  query: string,
  token: string | undefined,
  onChanges: (changes: SiteChanges) => void,
): StudioList {
  const [state, setState] = useState<{ readonly query: string; readonly value: ListState }>();
  const [error, setError] = useState<unknown>();
  const latest = useRef({ onChanges });
  latest.current = { onChanges };
  const value = state?.query === query ? state.value : undefined;
  const current = useRef(value);
  current.current = value;
  const isLoadingMore = useRef(false);

  const load = (cursor: string | undefined, abort?: AbortSignal) =>
    call<SiteVideoPage>(
      `/api/videos?${query}&limit=${PAGE}${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      {
        token,
        abort,
      },
    );
  const change = (update: (list: ListState) => ListState): void =>
    setState(before => (before?.query === query ? { query, value: update(before.value) } : before));

  const control = useMemo(() => ({ refresh: () => {} }), []);
  useEffect(() => {
    const controller = new AbortController();
    const abort = controller.signal;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const reload = async (): Promise<void> => {
      const page = await load(undefined, abort);
      setState(before => ({
        query,
        value: before?.query === query ? renewFirstPage(before.value, page) : startList(page),
      }));
      setError(undefined);
    };
    const reloadSoon = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => void reload().catch(report), RELOAD_MS);
    };
    const report = (cause: unknown): void => {
      if (!abort.aborted) setError(cause);
    };
    control.refresh = reloadSoon;
    void follow({
      token,
      abort,
      start: reload,
      report,
      onChanges(changes) {
        setError(undefined);
        if (current.current && needsReload(current.current, changes)) reloadSoon();
        change(list => applyChanges(list, changes));
        latest.current.onChanges(changes);
      },
    });
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [query, token]);

  return {
    value,
    error,
    refresh: () => control.refresh(),
    async loadMore() {
      const next = current.current?.next;
      if (next === undefined || isLoadingMore.current) return;
      isLoadingMore.current = true;
      try {
        const page = await load(next);
        change(list => (list.next === next ? addPage(list, page) : list));
      } catch (cause) {
        setError(cause);
      } finally {
        isLoadingMore.current = false;
      }
    },
  };
}

interface FollowDeps {
  readonly token: string | undefined;
  readonly abort: AbortSignal;
  /** Loads what the changes apply to, after the cursor is known. */
  readonly start: () => Promise<void>;
  readonly onChanges: (changes: SiteChanges) => void;
  readonly report: (error: unknown) => void;
}

/** Until `abort` is aborted. A page that is not visible does not wait for changes. */
async function follow({ token, abort, start, onChanges, report }: FollowDeps): Promise<void> {
  const read = (query: string) => call<SiteChanges>(`/api/changes${query}`, { token, abort });
  for (let cursor: number | undefined; !abort.aborted; ) {
    try {
      await untilVisible(abort);
      if (cursor === undefined) {
        const first = await read('');
        await start();
        cursor = first.cursor;
      }
      const changes: SiteChanges = await read(`?since=${cursor}&waitS=${WAIT_S}`);
      cursor = changes.cursor;
      if (changes.reset || changes.videos.length + changes.jobs.length + changes.removed.length > 0)
        onChanges(changes);
    } catch (error) {
      if (abort.aborted) return;
      report(error);
      await new Promise(resolve => setTimeout(resolve, RETRY_MS));
    }
  }
}

function untilVisible(abort: AbortSignal): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise(resolve => {
    const end = (): void => {
      if (document.hidden && !abort.aborted) return;
      document.removeEventListener('visibilitychange', end);
      abort.removeEventListener('abort', end);
      resolve();
    };
    document.addEventListener('visibilitychange', end);
    abort.addEventListener('abort', end);
  });
}
