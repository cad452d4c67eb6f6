/** The page of a series: its videos in their order, and where to begin or continue. */
import { isPermanent } from '../../api/api-error.ts';
import { ErrorNotice, Notice } from '../../components/notice.tsx';
import { formatError } from '../../i18n/error-text.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useCollection } from '../data/collection.tsx';
import { chooseNext } from '../data/next-in-series.ts';
import { useLoad } from '../data/use-load.ts';
import { useResults } from '../data/use-results.ts';
import { useProgressList } from '../data/watched.ts';
import { Frame } from '../frame.tsx';
import { SeriesImage } from '../front/series-row.tsx';
import { ResultList } from '../list/result-list.tsx';

export function SeriesView({ id }: { readonly id: string }) {
  const { t, format, language } = useTranslation();
  const collection = useCollection();
  const { addresses } = collection;
  const series = useLoad(`series ${collection.part} ${collection.key} ${id}`, abort =>
    collection.series(id, abort),
  );
  const search = { series: id };
  const results = useResults(search);
  const next = chooseNext(results.items ?? [], useProgressList());
  const { value, error } = series;
  if (error !== undefined && isPermanent(error)) {
    return (
      <Frame title={t.search.kinds.series}>
        <Notice kind="error" testId="error">
          <p>{formatError(error, language, t)}</p>
          <a href={addresses.front}>{t.watch.back}</a>
        </Notice>
      </Frame>
    );
  }
  return (
    <Frame title={value?.title ?? t.search.kinds.series} isConnected={results.isConnected}>
      <section class="collection-head">
        <figure class="video-image">
          <SeriesImage series={value ?? { id }} />
        </figure>
        <div class="stack">
          <div>
            <p class="quiet">{t.search.kinds.series}</p>
            <h1 tabIndex={-1} dir="auto">
              {value?.title ?? '\u00a0'}
            </h1>
            {value && (
              <p class="quiet" data-testid="count">
                {t.search.count(value.videos)}
              </p>
            )}
          </div>
          {value && value.description !== '' && (
            <p class="description" dir="auto">
              {value.description}
            </p>
          )}
          {next && (
            <p class="actions">
              <a class="button primary" href={addresses.watch(next.item.id)} data-testid="play-all">
                {next.isStart ? t.series.playAll : t.series.continueWith(next.item.name)}
              </a>
              <span class="quiet">{next.isStart ? '' : format.percent(next.watched)}</span>
            </p>
          )}
        </div>
      </section>
      {error !== undefined && <ErrorNotice error={error} retry={series.retry} />}
      <section aria-label={t.series.videos}>
        <ResultList
          results={results}
          search={search}
          layout="row"
          isNumbered={value?.order === 'position'}
          empty={<p class="quiet">{t.series.empty}</p>}
        />
      </section>
    </Frame>
  );
}
