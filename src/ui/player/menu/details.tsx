/** How the video plays at this moment: for viewers who report a problem, and for those who are curious. */
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useTranslation } from '../../i18n/use-translation.tsx';
import type { Playback } from '../hls/playback.ts';

const REFRESH_MS = 500;

interface DetailsProps {
  readonly siteName: string | undefined;
  readonly playback: RefObject<Playback | undefined>;
  readonly onBack: () => void;
}

export function Details({ siteName, playback, onBack }: DetailsProps) {
  const { t, format } = useTranslation();
  const { details } = t.player;
  const [stats, setStats] = useState(playback.current?.readStats());
  useEffect(() => {
    const timer = setInterval(() => setStats(playback.current?.readStats()), REFRESH_MS);
    return () => clearInterval(timer);
  }, [playback]);
  const back = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => back.current?.focus(), []);
  const none = t.common.none;
  const throughput = stats?.throughputBps;
  const rows: readonly (readonly [string, string])[] = [
    [details.site, siteName ?? none],
    [details.resolution, stats && stats.width > 0 ? `${stats.width} × ${stats.height}` : none],
    [details.codecs, stats?.codecs.join(', ') || none],
    [details.buffer, stats ? format.duration(stats.bufferedSeconds * 1_000) : none],
    [details.throughput, throughput && Number.isFinite(throughput) ? format.bitrate(throughput) : none],
    [
      details.droppedFrames,
      stats ? `${format.number(stats.droppedFrames)} / ${format.number(stats.frames)}` : none,
    ],
  ];
  return (
    <div class="player-menu-list" data-testid="playback-details">
      <button
        type="button"
        class="player-menu-back"
        ref={back}
        aria-label={`${t.player.back}: ${details.heading}`}
        onClick={onBack}
        onKeyDown={event => {
          if (event.key !== 'Escape' && event.key !== 'ArrowLeft') return;
          event.preventDefault();
          event.stopPropagation();
          onBack();
        }}
      >
        ‹ {details.heading}
      </button>
      <dl class="player-details number">
        {rows.map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd dir="auto">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
