/** The video that follows in the series of the one that plays. */
import { useMemo } from 'preact/hooks';
import type { Series } from '../../../protocol/catalogue/series.ts';
import type { Video } from '../../../protocol/central.ts';
import { call } from '../../api/call.ts';
import { usePoll } from '../../api/use-poll.ts';
import { useMe } from '../../me/use-me.tsx';
import type { NextVideo } from '../../player/player-props.ts';
import { formatQuery } from '../../stream/play-response.ts';
import { chooseNext } from './next-in-series.ts';

const PAGE_SIZE = 100;
/** A longer series has its next video among the first pages in nearly every case. */
const MAX_PAGES = 5;
const REFRESH_MS = 600_000;

interface VideoPage {
  readonly videos: readonly Video[];
  readonly next?: string;
}

/** The title of the series, and the video that follows. */
interface InSeries {
  readonly title: string | undefined;
  readonly next: NextVideo | undefined;
}

export function useNextInSeries(video: Video | undefined): InSeries {
  const { token } = useMe();
  const series = video?.series?.id;
  const found = usePoll(
    series === undefined ? '' : `series ${series} ${token ?? ''}`,
    async abort => {
      if (series === undefined) return undefined;
      const path = encodeURIComponent(series);
      const { order, title } = await call<Series>(`/api/series/${path}`, { token, abort });
      const videos: Video[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < MAX_PAGES && (page === 0 || cursor !== undefined); page++) {
        const query = formatQuery({ series, limit: String(PAGE_SIZE), cursor });
        const { videos: more, next } = await call<VideoPage>(`/api/videos${query}`, { token, abort });
        videos.push(...more);
        cursor = next;
      }
      return { order, title, videos };
    },
    () => REFRESH_MS,
  );
  const next = video && found.value && chooseNext(video, found.value.videos, found.value.order);
  const [id, name] = [next?.id, next?.name];
  const title = found.value?.title;
  return useMemo(
    () => ({
      title,
      next:
        id === undefined || name === undefined
          ? undefined
          : { name, href: `/watch/${encodeURIComponent(id)}` },
    }),
    [title, id, name],
  );
}
