/** The page of a series: its videos in their order, and where to begin or continue. */
import { isPermanent } from '../../api/api-error.ts';
import { ErrorNotice, Notice } from '../../components/notice.tsx';
import { CardSkeletons } from '../../components/video-card/video-card.tsx';
import { formatError } from '../../i18n/error-text.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { type Collection, useCollection } from '../data/collection.tsx';
import type { CatalogueItem } from '../data/item.ts';
import { chooseNext } from '../data/next-in-series.ts';
import { sortSeries } from '../data/series-order.ts';
import { useLoad } from '../data/use-load.ts';
import { useProgressList } from '../data/watched.ts';
import { Frame } from '../frame.tsx';
import { SeriesImage } from '../front/series-row.tsx';
import { ItemCard } from '../list/item-card.tsx';

const PAGE_SIZE = 100;
/** More videos of one series are not listed. */
const MAX_PAGES = 10;

export function SeriesView({ id }: { readonly id: string }) {
  const { t, format, language } = useTranslation();
  const collection = useCollection();
  const { addresses } = collection;
  const series = useLoad(`series ${collection.part} ${collection.key} ${id}`, abort =>
    collection.series(id, abort),
  );
  const videos = useLoad(`series-videos ${collection.part} ${collection.key} ${id}`, abort =>
    listAll(collection, id, abort),
  );
  const { value, error } = series;
  const items = value && videos.value && sortSeries(videos.value.items, value.order);
  const next = chooseNext(items ?? [], useProgressList());
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
    <Frame title={value?.title ?? t.search.kinds.series} isConnected={videos.value?.isConnected ?? true}>
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
      {error === undefined && videos.error !== undefined && (
        <ErrorNotice error={videos.error} retry={videos.retry} />
      )}
      <section aria-label={t.series.videos}>
        {items?.length === 0 && <p class="quiet">{t.series.empty}</p>}
        <ol class="cards cards-rows" data-testid="videos">
          {items?.map(item => (
            <ItemCard
              key={`${item.id} ${item.revision}`}
              item={item}
              layout="row"
              corner={value?.order === 'position' ? item.series?.position : undefined}
            />
          ))}
          {items === undefined && videos.error === undefined && <CardSkeletons count={4} layout="row" />}
        </ol>
      </section>
    </Frame>
  );
}

/** All videos of the series, because the server lists them in another order. */
async function listAll(collection: Collection, series: string, abort: AbortSignal) {
  const items: CatalogueItem[] = [];
  let cursor: string | undefined;
  let isConnected = true;
  for (let page = 0; page < MAX_PAGES; page++) {
    const found = await collection.list({ series, cursor }, PAGE_SIZE, abort);
    items.push(...found.items);
    isConnected = found.isConnected;
    cursor = found.next;
    if (cursor === undefined) break;
  }
  return { items: items.filter(item => item.series?.id === series), isConnected };
}
