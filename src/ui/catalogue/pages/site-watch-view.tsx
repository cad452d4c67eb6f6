/** Plays a video from the site of the page, also while the site is disconnected. */
import { useState } from 'preact/hooks';
import { MULTIVARIANT_PLAYLIST } from '../../../protocol/media/media-address.ts';
import { usePlace } from '../../browser/place.ts';
import { AudienceBadge } from '../../components/audience/audience-badge.tsx';
import { ErrorNotice, Notice } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { Player } from '../../player/player.tsx';
import { useCollection } from '../data/collection.tsx';
import type { CatalogueItem } from '../data/item.ts';
import { useSeriesTitle } from '../data/series-titles.ts';
import { useLoad } from '../data/use-load.ts';
import { Frame } from '../frame.tsx';

export function SiteWatchView({ id }: { readonly id: string }) {
  const { t } = useTranslation();
  const collection = useCollection();
  const { value, error, retry } = useLoad(`watch ${collection.key} ${id}`, async abort => {
    const found = await collection.find([id], abort);
    return { item: found.find(item => item.id === id) };
  });
  const { item } = value ?? {};
  return (
    <Frame title={item?.name ?? t.watch.title}>
      {error !== undefined && <ErrorNotice error={error} retry={retry} />}
      {value && !item && (
        <Notice kind="error" testId="error">
          <p>{t.problems['video-unknown']}</p>
          <a href={collection.addresses.front}>{t.watch.back}</a>
        </Notice>
      )}
      {item ? <Watching key={item.revision} item={item} /> : <h1 class="visually-hidden">{t.watch.title}</h1>}
    </Frame>
  );
}

function Watching({ item }: { readonly item: CatalogueItem }) {
  const { t } = useTranslation();
  const { addresses } = useCollection();
  const { search } = usePlace();
  const [failed, setFailed] = useState(false);
  const series = useSeriesTitle(item.series?.id);
  const seconds = Number(new URLSearchParams(search).get('t') ?? 0);
  const revisionUrl = location.origin + (item.revisionPath ?? '');
  return (
    <article class="stack site-watch">
      <div data-testid="local-player">
        <Player
          key={search}
          video={item.id}
          url={revisionUrl + MULTIVARIANT_PLAYLIST}
          revisionUrl={revisionUrl}
          pictures={{ poster: item.poster !== undefined, storyboard: item.storyboard !== undefined }}
          chapters={item.chapters}
          name={item.name}
          startMs={seconds > 0 ? seconds * 1_000 : undefined}
          onFatal={() => setFailed(true)}
        />
      </div>
      {failed && (
        <p class="bad" role="alert">
          {t.watch.unplayable}
        </p>
      )}
      <div>
        <h1 tabIndex={-1} dir="auto" lang={item.language}>
          {item.name}
        </h1>
        <p class="row">
          {item.people.map(({ name }) => (
            <a key={name} href={addresses.person(name)} dir="auto">
              {name}
            </a>
          ))}
          {series !== undefined && item.series && (
            <a href={addresses.series(item.series.id)} dir="auto">
              {series}
            </a>
          )}
          <AudienceBadge audience={item.audience} />
        </p>
      </div>
      {item.description !== '' && (
        <p class="description" dir="auto" lang={item.language}>
          {item.description}
        </p>
      )}
    </article>
  );
}
