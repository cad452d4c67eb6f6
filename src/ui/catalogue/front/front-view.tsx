/** The first page: what this viewer may want to see next. A row without content is not shown. */
import { Announcement, ErrorNotice } from '../../components/notice.tsx';
import { useForgetRefused } from '../../components/operator-token.tsx';
import { CardSkeletons } from '../../components/video-card/video-card.tsx';
import { Logo } from '../../components/wordmark.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useCollection } from '../data/collection.tsx';
import type { CatalogueItem } from '../data/item.ts';
import type { SearchState } from '../data/search-state.ts';
import { useLoad } from '../data/use-load.ts';
import { forgetProgress, useProgressList } from '../data/watched.ts';
import { Frame } from '../frame.tsx';
import { ItemCard } from '../list/item-card.tsx';
import { NearRow } from './near-row.tsx';
import { SeriesRow } from './series-row.tsx';
import { Strip } from './strip.tsx';
import { useNewVideo } from './use-new-video.ts';

const ROW = 12;
const REFRESH_NEW_MS = 10_000;
const REFRESH_PLAYED_MS = 300_000;
/** With fewer videos, the row of new ones shows all of them. */
const MIN_FOR_PLAYED = 5;

export function FrontView() {
  const { t } = useTranslation();
  const { part, addresses } = useCollection();
  const newest = useRow('newest', { order: 'newest' }, REFRESH_NEW_MS);
  const { items } = newest.value ?? {};
  const played = useRow('played', { order: 'played' }, REFRESH_PLAYED_MS);
  const announcement = useNewVideo(items);
  useForgetRefused(newest.error);
  const isEmpty = items?.length === 0;
  const hasPlayed = items && items.length >= MIN_FOR_PLAYED && (played.value?.items.length ?? 0) > 0;
  const siteName = newest.value?.siteName;
  return (
    <Frame
      title={part === 'central' ? t.catalogue.title : t.library.title}
      isConnected={newest.value?.isConnected ?? true}
    >
      <h1 class={part === 'central' ? 'visually-hidden' : ''} tabIndex={-1}>
        {siteName === undefined ? t.catalogue.heading : t.library.heading(siteName)}
      </h1>
      {part === 'site' && <p class="quiet under-heading">{t.library.explain}</p>}
      <Announcement text={announcement} />
      {newest.error !== undefined && <ErrorNotice error={newest.error} retry={newest.retry} />}
      <ContinueRow />
      {isEmpty ? (
        <EmptyCatalogue />
      ) : (
        (items !== undefined || newest.error === undefined) && (
          <Strip heading={t.front.newest} all={addresses.searchFor({ order: 'newest' })} testId="new">
            {items ? (
              items.map(item => <ItemCard key={item.id} item={item} level={3} />)
            ) : (
              <CardSkeletons count={5} />
            )}
          </Strip>
        )
      )}
      {hasPlayed && (
        <Strip heading={t.front.played} all={addresses.searchFor({ order: 'played' })} testId="played">
          {played.value?.items.map(item => (
            <ItemCard key={item.id} item={item} level={3} />
          ))}
        </Strip>
      )}
      <SeriesRow />
      {part === 'central' && <NearRow />}
    </Frame>
  );
}

function useRow(name: string, search: SearchState, refreshMs: number) {
  const collection = useCollection();
  return useLoad(
    `row ${name} ${collection.part} ${collection.key}`,
    abort => collection.list(search, ROW, abort),
    { refreshMs },
  );
}

/** Videos that were withdrawn meanwhile, or that this viewer may not watch any more, are not listed by the server. */
function ContinueRow() {
  const { t } = useTranslation();
  const collection = useCollection();
  const progress = useProgressList().slice(0, ROW);
  const ids = progress.map(({ video }) => video);
  const { value, error } = useLoad<readonly CatalogueItem[]>(
    ids.length === 0 ? undefined : `continue ${collection.part} ${collection.key} ${ids}`,
    abort => collection.find(ids, abort),
  );
  const items = ids.flatMap(id => value?.find(item => item.id === id) ?? []);
  // The row has its place from the beginning, so that the others do not move.
  const isLoading = ids.length > 0 && value === undefined && error === undefined;
  if (items.length === 0 && !isLoading) return null;
  return (
    <Strip heading={t.front.continue} testId="continue" hasActions>
      {isLoading && <CardSkeletons count={ids.length} />}
      {items.map(item => (
        <ItemCard key={item.id} item={item} level={3}>
          <button
            type="button"
            class="plain small card-action"
            aria-label={t.front.forgetNamed(item.name)}
            onClick={() => forgetProgress(item.id)}
          >
            {t.front.forget}
          </button>
        </ItemCard>
      ))}
    </Strip>
  );
}

function EmptyCatalogue() {
  const { t } = useTranslation();
  const { part } = useCollection();
  return (
    <div class="empty" data-testid="empty">
      <Logo size={72} />
      <strong>{part === 'central' ? t.catalogue.empty : t.library.empty}</strong>
      <p>{t.catalogue.emptyHint}</p>
    </div>
  );
}
