/** The page of a site at central: where it is, whether it is up, and its videos. */
import type { SiteSummary } from '../../../protocol/central.ts';
import { isPermanent } from '../../api/api-error.ts';
import { call } from '../../api/call.ts';
import { ErrorNotice, Notice } from '../../components/notice.tsx';
import { SITE_COLOURS, siteHealth } from '../../health/health.ts';
import { formatError } from '../../i18n/error-text.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useCollection } from '../data/collection.tsx';
import { useLoad } from '../data/use-load.ts';
import { useResults } from '../data/use-results.ts';
import { Frame } from '../frame.tsx';
import { ResultList } from '../list/result-list.tsx';

const REFRESH_MS = 30_000;

export function SiteView({ id }: { readonly id: string }) {
  const { t, format, language } = useTranslation();
  const { addresses, key } = useCollection();
  const site = useLoad(
    `site ${key} ${id}`,
    abort => call<SiteSummary>(`/api/sites/${encodeURIComponent(id)}`, { abort }),
    {
      refreshMs: REFRESH_MS,
    },
  );
  const search = { site: id, order: 'newest' } as const;
  const { value, error } = site;
  const isUnknown = error !== undefined && isPermanent(error);
  const results = useResults(search, !isUnknown);
  if (isUnknown) {
    return (
      <Frame title={t.search.kinds.site}>
        <Notice kind="error" testId="error">
          <p>{formatError(error, language, t)}</p>
          <a href={addresses.front}>{t.watch.back}</a>
        </Notice>
      </Frame>
    );
  }
  const health = value && siteHealth(value, undefined);
  return (
    <Frame title={value?.name ?? t.search.kinds.site}>
      <section>
        <p class="quiet">{t.search.kinds.site}</p>
        <h1 tabIndex={-1} dir="auto">
          {value?.name ?? '\u00a0'}
        </h1>
        {health && (
          <p class="row">
            <span class={`state ${SITE_COLOURS[health.state]}`}>
              {t.admin.states[health.state]}
              {health.since && ` ${t.common.since(format.timeOrDate(health.since, Date.now()))}`}
            </span>
            {value?.region !== undefined && <span class="quiet">{value.region}</span>}
            <a href={addresses.searchFor({ site: id })}>{t.search.inSearch}</a>
          </p>
        )}
      </section>
      {error !== undefined && <ErrorNotice error={error} retry={site.retry} />}
      <ResultList
        results={results}
        search={search}
        layout="tile"
        empty={<p class="quiet">{t.search.noVideos}</p>}
      />
    </Frame>
  );
}
