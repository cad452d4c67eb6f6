/** The videos of the catalogue that match a query. New ones appear automatically. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../api/call.ts';
import { formatListQuery } from '../api/list-page.ts';
import { usePoll } from '../api/use-poll.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { appendPage, listNew, mergeNewest, type VideoPage } from './video-pages.ts';

const REFRESH_MS = 2_000;
const PAGE_SIZE = 24;

/** @param token an operator sees private videos as well */
export function useVideos(query: string, token: string | undefined) {
  const { t } = useTranslation();
  const [shown, setShown] = useState<{ query: string; page: VideoPage }>();
  const [announcement, setAnnouncement] = useState('');
  const [moreError, setMoreError] = useState<unknown>();
  const known = useRef<{ query: string; ids: Set<string> } | undefined>(undefined);
  const fetchPage = (cursor?: string, abort?: AbortSignal): Promise<VideoPage> =>
    call<VideoPage>(`/api/videos${formatListQuery({ limit: PAGE_SIZE, query, cursor })}`, { token, abort });
  const first = usePoll(
    `${token ?? ''} ${query}`,
    abort => fetchPage(undefined, abort),
    () => REFRESH_MS,
  );
  const fresh = first.value;
  useEffect(() => {
    if (!fresh) return;
    setShown(before => ({
      query,
      page: mergeNewest(before?.query === query ? before.page : undefined, fresh),
    }));
    if (known.current?.query === query) {
      const [newest] = listNew(known.current.ids, fresh);
      if (newest) setAnnouncement(t.catalogue.newVideo(newest.name));
    } else {
      known.current = { query, ids: new Set() };
    }
    for (const video of fresh.videos) known.current.ids.add(video.id);
  }, [fresh, query, t]);

  const loadMore = async (): Promise<void> => {
    if (!shown?.page.next) return;
    try {
      const following = await fetchPage(shown.page.next);
      for (const video of following.videos) known.current?.ids.add(video.id);
      setShown(before =>
        before?.query === query ? { query, page: appendPage(before.page, following) } : before,
      );
      setMoreError(undefined);
    } catch (error) {
      setMoreError(error);
    }
  };
  return {
    // The results of the previous query remain in view while a new search runs.
    page: shown?.page,
    isCurrent: shown?.query === query,
    error: first.error ?? moreError,
    staleSince: first.staleSince,
    retry: first.refresh,
    announcement,
    loadMore,
  };
}
