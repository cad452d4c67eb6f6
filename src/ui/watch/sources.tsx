/** "Who serves you": the tracker's ranking for this viewer, with its reasons, and the site that serves now. */
import type { Reason, Source } from '../../protocol/tracker.ts';
import type { Format } from '../i18n/format.ts';
import { renderFigures } from '../i18n/rendered-figures.ts';
import type { Texts } from '../i18n/texts.ts';
import { useSpeech } from '../i18n/use-translation.tsx';
import type { PlaybackNumbers } from '../player/playback.ts';
import type { Move } from './site-switches.ts';

/** A reason in few words. */
export function labelReason({ code, figures }: Reason, texts: Texts['watch'], format: Format): string {
  const km = code === 'distance' ? figures?.km : undefined;
  return km === undefined ? texts.reasons[code] : texts.distance(format.number(km));
}

interface SourcesProps {
  readonly sources: readonly Source[] | undefined;
  readonly now: string | undefined;
  readonly isNative: boolean;
  readonly numbers: PlaybackNumbers | undefined;
  readonly moves: readonly Move[];
}

export function Sources({ sources, now, isNative, numbers, moves }: SourcesProps) {
  const { t } = useSpeech();
  return (
    <section class="panel" aria-labelledby="serves">
      <div>
        <h2 id="serves">{t.watch.playingFrom}</h2>
        <p class="quiet">{sources ? t.watch.availableSites : t.watch.findingSites}</p>
      </div>
      <ol class="sources" data-testid="sources">
        {sources?.map(source => (
          <SourceRow key={source.site} source={source} isNow={source.site === now} />
        ))}
      </ol>
      {isNative && <p class="quiet">{t.watch.builtInPlayer}</p>}
      {numbers && <Figures numbers={numbers} />}
      <Moves moves={moves} />
      {sources && sources.length > 0 && <Why sources={sources} />}
    </section>
  );
}

function SourceRow({ source, isNow }: { readonly source: Source; readonly isNow: boolean }) {
  const { t, format } = useSpeech();
  return (
    <li class={isNow ? 'now' : ''} data-site={source.site} data-now={String(isNow)}>
      <div class="row">
        <h3>{source.name}</h3>
        {isNow && <span class="live">{t.watch.now}</span>}
      </div>
      <p class="reasons">
        {source.reasons
          .filter(reason => reason.code !== 'load')
          .map(reason => labelReason(reason, t.watch, format))
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

function Why({ sources }: { readonly sources: readonly Source[] }) {
  const { t, format } = useSpeech();
  return (
    <details>
      <summary>{t.watch.rankingReasons}</summary>
      <div class="why">
        {sources.map(source => (
          <p key={source.site}>
            <strong>{source.name}</strong>{' '}
            {source.reasons
              .map(({ code, figures }) => t.ranking.reasons[code](renderFigures(figures, format)))
              .join(' ')}
          </p>
        ))}
      </div>
    </details>
  );
}

const formatPicture = (numbers: PlaybackNumbers): string =>
  numbers.width > 0 ? `${numbers.width} × ${numbers.height}` : '–';
const formatRate = (numbers: PlaybackNumbers, format: Format): string =>
  numbers.throughputBps === undefined || !Number.isFinite(numbers.throughputBps)
    ? '–'
    : format.bitrate(numbers.throughputBps);

function Figures({ numbers }: { readonly numbers: PlaybackNumbers }) {
  const { t, format } = useSpeech();
  return (
    <dl class="figures number" aria-label={t.watch.stats} data-testid="figures">
      <div>
        <dt>{t.watch.throughput}</dt>
        <dd>{formatRate(numbers, format)}</dd>
      </div>
      <div>
        <dt>{t.watch.buffered}</dt>
        <dd>{format.duration(numbers.bufferedSeconds * 1_000)}</dd>
      </div>
      <div>
        <dt>{t.watch.resolution}</dt>
        <dd>{formatPicture(numbers)}</dd>
      </div>
    </dl>
  );
}

function Moves({ moves }: { readonly moves: readonly Move[] }) {
  const { t, format } = useSpeech();
  return (
    <ul class="moves" aria-live="polite" aria-label={t.watch.history} data-testid="moves">
      {moves.map(move => (
        <li key={move.atMs}>
          <time class="number" dateTime={new Date(move.atMs).toISOString()}>
            {format.time(move.atMs)}
          </time>{' '}
          {move.from === undefined ? t.watch.started(move.to) : t.watch.switched(move.from, move.to)}
        </li>
      ))}
    </ul>
  );
}
