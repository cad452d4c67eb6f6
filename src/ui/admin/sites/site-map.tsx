/** A map of the sites, in the colours of their states. */
import type { Site } from '../../../protocol/central.ts';
import { SITE_COLOURS, type StaleSince, siteHealth } from '../../health/health.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { MAP_HEIGHT, MAP_WIDTH, projectSites } from './map-projection.ts';

interface SiteMapProps {
  readonly sites: readonly Site[];
  readonly stale: StaleSince;
}

export function SiteMap({ sites, stale }: SiteMapProps) {
  const { t, format } = useTranslation();
  const active = sites.filter(site => site.state !== 'revoked');
  const placed = active.flatMap(site => (site.coordinates ? [{ site, coordinates: site.coordinates }] : []));
  const unplaced = active.filter(site => !site.coordinates);
  if (placed.length === 0) return null;
  const projection = projectSites(placed.map(each => each.coordinates));
  const x = (longitude: number): number => projection.project({ latitude: 0, longitude }).x;
  const y = (latitude: number): number => projection.project({ latitude, longitude: 0 }).y;
  const descriptions = placed.map(
    ({ site }) => `${site.name}: ${t.admin.states[siteHealth(site, stale).state]}`,
  );
  return (
    <figure>
      <svg
        class="map"
        viewBox={`0 0 ${MAP_WIDTH} ${MAP_HEIGHT}`}
        role="img"
        aria-label={t.admin.mapLabel(format.list(descriptions))}
        data-testid="map"
      >
        <g class="grid">
          {projection.meridians.map(longitude => (
            <line key={longitude} x1={x(longitude)} x2={x(longitude)} y1={0} y2={MAP_HEIGHT} />
          ))}
          {projection.parallels.map(latitude => (
            <line key={latitude} x1={0} x2={MAP_WIDTH} y1={y(latitude)} y2={y(latitude)} />
          ))}
        </g>
        {placed.map(({ site, coordinates }) => {
          const place = projection.project(coordinates);
          const radius = 7 + Math.min(9, Math.sqrt(site.videos));
          const { state } = siteHealth(site, stale);
          const isRight = place.x > MAP_WIDTH * 0.75;
          return (
            <g key={site.id} class={SITE_COLOURS[state]} data-state={state}>
              <circle cx={place.x} cy={place.y} r={radius + 6} opacity="0.22" />
              <circle cx={place.x} cy={place.y} r={radius} />
              <text
                x={place.x + (isRight ? -radius - 12 : radius + 12)}
                y={place.y + 4.5}
                text-anchor={isRight ? 'end' : 'start'}
              >
                {site.name} · {t.admin.states[state]}
              </text>
            </g>
          );
        })}
      </svg>
      {unplaced.length > 0 && (
        <figcaption class="quiet">
          {t.admin.noCoordinates(format.list(unplaced.map(site => site.name)))}
        </figcaption>
      )}
    </figure>
  );
}
