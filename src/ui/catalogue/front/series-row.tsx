/** The series of the collection, on the first page. */
import type { Series } from '../../../protocol/catalogue/series.ts';
import { PlaceholderImage } from '../../components/placeholder/placeholder-image.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { useCollection } from '../data/collection.tsx';
import { useLoad } from '../data/use-load.ts';
import { Strip } from './strip.tsx';

const MAX_SERIES = 24;

export function SeriesRow() {
  const { t } = useTranslation();
  const collection = useCollection();
  const { value } = useLoad(`series-row ${collection.part} ${collection.key}`, abort =>
    collection.listSeries(MAX_SERIES, abort),
  );
  const series = value?.filter(({ videos }) => videos > 0) ?? [];
  if (series.length === 0) return null;
  return (
    <Strip heading={t.front.series} testId="series">
      {series.map(one => (
        <SeriesCard key={one.id} series={one} />
      ))}
    </Strip>
  );
}

export const SeriesImage = ({ series }: { readonly series: Pick<Series, 'id' | 'image'> }) =>
  series.image === undefined ? (
    <PlaceholderImage seed={series.id} />
  ) : (
    <img src={series.image} alt="" width={640} height={360} loading="lazy" decoding="async" />
  );

function SeriesCard({ series }: { readonly series: Series }) {
  const { t } = useTranslation();
  const { addresses } = useCollection();
  return (
    <li class="card card-tile card-series" data-series={series.id}>
      <figure class="video-image">
        <SeriesImage series={series} />
        <span class="image-badges">
          <span class="badge number">{t.search.count(series.videos)}</span>
        </span>
      </figure>
      <div class="card-text">
        <h3 class="card-name" dir="auto">
          <a class="card-link" href={addresses.series(series.id)}>
            {series.title}
          </a>
        </h3>
      </div>
    </li>
  );
}
