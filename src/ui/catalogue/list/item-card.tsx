/** The card of a video in the views of the catalogue. */
import type { ComponentChildren } from 'preact';
import { AudienceBadge } from '../../components/audience/audience-badge.tsx';
import { useGroupNames } from '../../components/audience/use-group-names.ts';
import { VideoCard } from '../../components/video-card/video-card.tsx';
import { VIDEO_COLOURS, videoHealth } from '../../health/health.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useCollection } from '../data/collection.tsx';
import type { CatalogueItem } from '../data/item.ts';
import { useSeriesTitle } from '../data/series-titles.ts';
import { useWatched } from '../data/watched.ts';
import { findNameHit, HitList } from './hit-list.tsx';

const MAX_PEOPLE = 3;

interface ItemCardProps {
  readonly item: CatalogueItem;
  readonly layout?: 'tile' | 'row';
  readonly level?: 2 | 3;
  readonly corner?: ComponentChildren;
  readonly children?: ComponentChildren;
}

export function ItemCard({ item, layout = 'tile', level = 2, corner, children }: ItemCardProps) {
  const { addresses } = useCollection();
  const watched = useWatched().get(item.id);
  return (
    <VideoCard
      id={item.id}
      name={item.name}
      language={item.language}
      marks={findNameHit(item)?.marks}
      href={addresses.watch(item.id)}
      durationMs={item.durationMs}
      hasCaptions={item.hasCaptions}
      poster={item.poster}
      storyboard={item.storyboard}
      watched={watched}
      layout={layout}
      level={level}
      corner={corner}
    >
      <Origin item={item} isLinked={layout === 'row'} />
      <State item={item} />
      {layout === 'row' && item.description !== '' && !item.hits.some(hit => hit.in === 'description') && (
        <p class="card-description quiet" dir="auto" lang={item.language}>
          {item.description}
        </p>
      )}
      <HitList item={item} />
      {children}
    </VideoCard>
  );
}

interface OriginProps {
  readonly item: CatalogueItem;
  /** Names lead to their pages. In a grid of cards, these would be many stops for the keyboard. */
  readonly isLinked: boolean;
}

function Origin({ item, isLinked }: OriginProps) {
  const { t, format } = useTranslation();
  const { addresses } = useCollection();
  const series = useSeriesTitle(item.series?.id);
  const people = item.people.slice(0, MAX_PEOPLE);
  const others = item.people.length - people.length;
  const siteAddress = item.site && addresses.site(item.site.id);
  const link = (href: string | undefined, text: string) =>
    isLinked && href ? (
      <a href={href} dir="auto">
        {text}
      </a>
    ) : (
      <span dir="auto">{text}</span>
    );
  return (
    <>
      {(people.length > 0 || series !== undefined) && (
        <p class="facts-line quiet">
          {people.map(({ name }) => (
            <span key={name}>{link(addresses.person(name), name)}</span>
          ))}
          {others > 0 && <span>{t.card.others(others)}</span>}
          {series !== undefined && item.series && (
            <span>{link(addresses.series(item.series.id), series)}</span>
          )}
        </p>
      )}
      <p class="facts-line quiet">
        {item.site && <span>{link(siteAddress, item.site.name)}</span>}
        {item.recordedAt !== undefined ? (
          <time dateTime={item.recordedAt}>{t.card.recorded(format.date(item.recordedAt))}</time>
        ) : (
          item.publishedAt !== undefined && (
            <time dateTime={item.publishedAt} title={format.dateTime(item.publishedAt)}>
              {format.ago(item.publishedAt, Date.now())}
            </time>
          )
        )}
      </p>
    </>
  );
}

/** Only what a viewer must know: that it cannot be watched now, or not by everyone. */
function State({ item }: { readonly item: CatalogueItem }) {
  const { t, format } = useTranslation();
  const names = useGroupNames(item.audience === 'groups');
  const health = item.health && videoHealth(item.health, undefined);
  const isUnhealthy = health !== undefined && health.state !== 'ready';
  if (!isUnhealthy && item.audience === 'public' && item.holding !== 'partly') return null;
  return (
    <p class="row">
      {isUnhealthy && (
        <span class={`state ${VIDEO_COLOURS[health.state]}`} data-health={health.state}>
          {t.catalogue.health[health.state]}
          {health.since && ` ${t.common.since(format.timeOrDate(health.since, Date.now()))}`}
        </span>
      )}
      {item.holding === 'partly' && <span class="state warn">{t.library.holdings.partly}</span>}
      <AudienceBadge audience={item.audience} groups={item.groups} names={names} />
    </p>
  );
}
