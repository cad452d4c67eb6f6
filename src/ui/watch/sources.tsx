/** "Playing from": the tracker's ranking for this viewer with its reasons, and the site that serves the video. */
import type { Source } from '../../protocol/tracker.ts';
import type { Format } from '../i18n/format.ts';
import { renderFigures } from '../i18n/rendered-figures.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import type { PlaybackStats } from '../player/hls/playback.ts';
import type { SiteSwitch } from '../stream/site-switches.ts';
import { formatReasonLabel } from './reason-label.ts';

interface SourcesProps {
  readonly sources: readonly Source[] | undefined;
  readonly servingSite: string | undefined;
  readonly isNative: boolean;
  readonly stats: PlaybackStats | undefined;
  readonly switches: readonly SiteSwitch[];
}

export function Sources({ sources, servingSite, isNative, stats, switches }: SourcesProps) {
  const { t } = useTranslation();
  return (
    <details class="panel playing-from" data-testid="playing-from">
      <summary>
        <PlayingFrom sources={sources} servingSite={servingSite} />
      </summary>
      <p class="quiet">{sources ? t.watch.availableSites : t.watch.findingSites}</p>
      <ol class="sources" data-testid="sources">
        {sources?.map(source => (
          <SourceRow key={source.site} source={source} isServing={source.site === servingSite} />
        ))}
      </ol>
      {isNative && <p class="quiet">{t.watch.builtInPlayer}</p>}
      {stats && <Stats stats={stats} />}
      <SiteSwitches switches={switches} />
      {sources && sources.length > 0 && <RankingReasons sources={sources} />}
    </details>
  );
}

/** One line: the site, its distance, and that there is more to know. */
function PlayingFrom({ sources, servingSite }: Pick<SourcesProps, 'sources' | 'servingSite'>) {
  const { t, format } = useTranslation();
  const source = sources?.find(({ site }) => site === servingSite);
  if (!source) return <>{t.watch.playingFrom}</>;
  const km = source.reasons.find(({ code }) => code === 'distance')?.figures?.km;
  return (
    <>
      {km === undefined
        ? t.watch.from(source.name)
        : t.watch.fromDistance(source.name, format.number(Math.round(km)))}
    </>
  );
}

function SourceRow({ source, isServing }: { readonly source: Source; readonly isServing: boolean }) {
  const { t, format } = useTranslation();
  return (
    <li class={isServing ? 'serving' : ''} data-site={source.site} data-now={String(isServing)}>
      <div class="row">
        <h3>{source.name}</h3>
        {isServing && <span class="live">{t.watch.now}</span>}
      </div>
      <p class="reasons">
        {source.reasons
          .filter(reason => reason.code !== 'load')
          .map(reason => formatReasonLabel(reason, t.watch, format))
          .join(' · ')}
      </p>
      <code>{source.address}</code>
      <progress
        class="score"
        max={1}
        value={source.score}
        aria-label={t.watch.score}
        title={`${t.watch.score} ${format.percent(source.score)}`}
      />
    </li>
  );
}

function RankingReasons({ sources }: { readonly sources: readonly Source[] }) {
  const { t, format } = useTranslation();
  return (
    <details>
      <summary>{t.watch.rankingReasons}</summary>
      <div class="ranking-reasons">
        {sources.map(source => (
          <p key={source.site}>
            <strong>{source.name}</strong>{' '}
            {format.sentences(
              source.reasons.map(({ code, figures }) =>
                t.ranking.reasons[code](renderFigures(figures, format)),
              ),
            )}
          </p>
        ))}
      </div>
    </details>
  );
}

const formatResolution = ({ width, height }: PlaybackStats, none: string): string =>
  width > 0 ? `${width} × ${height}` : none;
const formatThroughput = ({ throughputBps }: PlaybackStats, format: Format, none: string): string =>
  throughputBps === undefined || !Number.isFinite(throughputBps) ? none : format.bitrate(throughputBps);

function Stats({ stats }: { readonly stats: PlaybackStats }) {
  const { t, format } = useTranslation();
  return (
    <dl class="stats number" aria-label={t.watch.stats} data-testid="stats">
      <div>
        <dt>{t.watch.throughput}</dt>
        <dd>{formatThroughput(stats, format, t.common.none)}</dd>
      </div>
      <div>
        <dt>{t.watch.buffered}</dt>
        <dd>{format.duration(stats.bufferedSeconds * 1_000)}</dd>
      </div>
      <div>
        <dt>{t.watch.resolution}</dt>
        <dd>{formatResolution(stats, t.common.none)}</dd>
      </div>
    </dl>
  );
}

function SiteSwitches({ switches }: { readonly switches: readonly SiteSwitch[] }) {
  const { t, format } = useTranslation();
  return (
    <ul class="site-switches" aria-live="polite" aria-label={t.watch.history} data-testid="site-switches">
      {switches.map(({ from, to, atMs }) => (
        <li key={atMs}>
          <time class="number" dateTime={new Date(atMs).toISOString()}>
            {format.time(atMs)}
          </time>{' '}
          {from === undefined ? t.watch.started(to) : t.watch.switched(from, to)}
        </li>
      ))}
    </ul>
  );
}
