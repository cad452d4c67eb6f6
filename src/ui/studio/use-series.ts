/** The series of the installation, which the site keeps, for choices and titles. */
import { useEffect, useState } from 'preact/hooks';
import type { Series } from '../../protocol/catalogue/series.ts';
import { call } from '../api/call.ts';

export type SeriesChoices = readonly Pick<Series, 'id' | 'title'>[];
const MAX_PAGES = 10;

/** Empty while it is not known. */
export function useSeries(token: string | undefined): SeriesChoices {
  const [series, setSeries] = useState<SeriesChoices>([]);
  useEffect(() => {
    const abort = new AbortController();
    const load = async (): Promise<void> => {
      const all: Series[] = [];
      for (let page = 0, cursor = ''; page < MAX_PAGES; page++) {
        const { series: found, next } = await call<{ readonly series: Series[]; readonly next?: string }>(
          `/api/series?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
          { token, abort: abort.signal },
        );
        all.push(...found);
        if (next === undefined) break;
        cursor = next;
      }
      setSeries(all);
    };
    // A site that does not have the list yet offers no series.
    load().catch(() => {});
    return () => abort.abort();
  }, [token]);
  return series;
}
