/** Where the sites are, by longitude and latitude, in the colours of their states. */
import type { Site } from '../protocol/central.ts';
import { t } from './i18n.ts';

const WIDTH = 640;
const HEIGHT = 300;
const MARGIN = 60;

const COLOURS: Readonly<Record<Site['state'], string>> = {
  up: 'var(--good)',
  down: 'var(--bad)',
  invited: 'var(--warn)',
  unknown: 'var(--quiet)',
  revoked: 'var(--line)',
};

export function SiteMap({ sites }: { readonly sites: readonly Site[] }) {
  const placed = sites.flatMap(site =>
    site.coordinates && site.state !== 'revoked' ? [{ site, ...site.coordinates }] : [],
  );
  if (placed.length === 0) return null;
  const scale = (values: readonly number[], from: number, to: number) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return (value: number): number =>
      high === low ? (from + to) / 2 : from + ((value - low) / (high - low)) * (to - from);
  };
  const x = scale(
    placed.map(({ longitude }) => longitude),
    MARGIN,
    WIDTH - 2 * MARGIN,
  );
  const y = scale(
    placed.map(({ latitude }) => latitude),
    HEIGHT - MARGIN / 2,
    MARGIN / 2,
  );
  return (
    <svg class="map" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t('map')}>
      {placed.map(({ site, longitude, latitude }) => (
        <g key={site.id} transform={`translate(${x(longitude)} ${y(latitude)})`}>
          <circle r={6 + Math.min(10, Math.sqrt(site.videos))} fill={COLOURS[site.state]} opacity="0.85">
            <title>{site.name}</title>
          </circle>
          <text x="20" y="4">
            {site.name}
          </text>
        </g>
      ))}
    </svg>
  );
}
