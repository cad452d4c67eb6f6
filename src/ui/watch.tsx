/** The watch page: the film, and beside it the sites that serve it, in the tracker's order, with the reasons. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Video } from '../protocol/central.ts';
import type { PlayAnswer, Source } from '../protocol/tracker.ts';
import { ApiError, call, messageOf } from './api.ts';
import { formatBitrate, formatClock, formatDuration, formatSize, formatTime } from './format.ts';
import { t } from './i18n.ts';
import { type Playing, startPlayer } from './player.ts';
import { Failure, mount, Shell, useRepeating } from './shell.tsx';

interface Info {
  readonly trackers: readonly string[];
  readonly demoViewers: readonly { readonly name: string; readonly address: string }[];
}

const RETRY_MS = 2_000;
const REFRESH_SOURCES_MS = 5_000;
const videoId = location.pathname.split('/').at(-1) ?? '';
const client = new URLSearchParams(location.search).get('client') ?? '';

function Watch() {
  const [video, setVideo] = useState<Video>();
  const [info, setInfo] = useState<Info>();
  const [answer, setAnswer] = useState<PlayAnswer>();
  const [failure, setFailure] = useState<string>();
  const [playing, setPlaying] = useState<Playing>();
  const [moves, setMoves] = useState<readonly string[]>([]);
  const [manifest, setManifest] = useState<string>();
  const element = useRef<HTMLVideoElement>(null);
  const before = useRef<string | undefined>(undefined);

  useRepeating(async () => {
    try {
      const [known, facts] = await Promise.all([
        call<Video>(`/api/videos/${videoId}`),
        call<Info>('/api/info'),
      ]);
      setVideo(known);
      setInfo(facts);
      const [tracker] = facts.trackers;
      if (!tracker) throw new ApiError(503, 'no-tracker', t('noTracker'));
      const found = await call<PlayAnswer>(
        `${tracker}/play/${videoId}${client ? `?client=${encodeURIComponent(client)}` : ''}`,
      );
      setAnswer(found);
      setManifest(url => url ?? found.hls);
      setFailure(undefined);
      return REFRESH_SOURCES_MS;
    } catch (error) {
      setFailure(describe(error));
      return RETRY_MS;
    }
  }, []);

  useEffect(() => {
    if (!manifest || !element.current) return;
    const player = startPlayer(element.current, manifest, setPlaying, detail => setFailure(detail));
    return () => player.stop();
  }, [manifest]);

  const now = answer?.sources.find(source => new URL(source.baseUrl).host === playing?.host);
  useEffect(() => {
    if (!now) return;
    if (element.current) element.current.dataset.site = now.site;
    if (before.current && before.current !== now.name) {
      const move = `${formatClock(new Date())} · ${t('moved', { from: before.current, to: now.name })}`;
      setMoves(list => [move, ...list].slice(0, 8));
    }
    before.current = now.name;
  }, [now]);

  return (
    <Shell
      title={video?.name ?? t('watch')}
      links={[
        { href: '/', text: t('catalogue') },
        { href: '/admin', text: t('admin') },
      ]}
    >
      {failure && <Failure text={failure} />}
      <div class="watch">
        <div class="stack">
          <video
            ref={element}
            controls
            autoplay
            muted
            playsInline
            data-testid="player"
            aria-label={video?.name ?? ''}
          />
          {video && <Facts video={video} />}
        </div>
        <aside class="stack">
          {info && info.demoViewers.length > 0 && <Place info={info} />}
          <section class="panel" aria-labelledby="serves">
            <h2 id="serves">{t('whoServes')}</h2>
            <ol class="sources" data-testid="sources">
              {answer?.sources.map(source => (
                <Row key={source.site} source={source} isNow={source === now} />
              ))}
            </ol>
            {playing && (
              <dl class="facts" aria-live="off">
                <Fact term={t('throughput')} text={formatBitrate(playing.throughputBps)} />
                <Fact term={t('buffered')} text={t('seconds', { n: playing.bufferedSeconds.toFixed(0) })} />
                {playing.width > 0 && (
                  <Fact term={t('resolution')} text={`${playing.width} × ${playing.height}`} />
                )}
              </dl>
            )}
            <ul class="quiet" aria-live="polite" data-testid="moves">
              {moves.map(move => (
                <li key={move}>{move}</li>
              ))}
            </ul>
          </section>
        </aside>
      </div>
    </Shell>
  );
}

function describe(error: unknown): string {
  if (!(error instanceof ApiError)) return messageOf(error);
  if (error.code === 'video-unknown') return t('videoUnknown');
  if (error.code === 'video-withdrawn') return t('videoWithdrawn');
  return error.code === 'no-source' ? t('noSource') : error.message;
}

/** The tracker's own sentences are in English; these are the same reasons in the page's language. */
function shortReason(source: Source): string {
  const [place, holding] = source.reasons;
  const kilometres = /[\d,]+/.exec(place?.text ?? '')?.[0] ?? '';
  const where =
    place?.code === 'coverage-zone'
      ? t('reasonZone')
      : place?.code === 'distance'
        ? t('reasonDistance', { n: kilometres })
        : t('reasonUnknown');
  return `${where} · ${holding?.code === 'holds-original' ? t('reasonHolds') : t('reasonFills')}`;
}

const Row = ({ source, isNow }: { readonly source: Source; readonly isNow: boolean }) => (
  <li
    class={isNow ? 'now' : ''}
    data-site={source.site}
    title={source.reasons.map(reason => reason.text).join(' ')}
  >
    <span class="row">
      <strong>{source.name}</strong>
      {isNow && <span class="state good">{t('servingNow')}</span>}
    </span>
    <span class="quiet">{shortReason(source)}</span>
    <code class="quiet">{source.address}</code>
  </li>
);

const Place = ({ info }: { readonly info: Info }) => (
  <label class="panel">
    {t('viewerIn')}
    <select
      value={client}
      onChange={event => {
        const url = new URL(location.href);
        const chosen = event.currentTarget.value;
        if (chosen) url.searchParams.set('client', chosen);
        else url.searchParams.delete('client');
        location.assign(url);
      }}
    >
      <option value="">{t('myPlace')}</option>
      {info.demoViewers.map(viewer => (
        <option key={viewer.address} value={viewer.address}>
          {viewer.name}
        </option>
      ))}
    </select>
  </label>
);

const Fact = ({ term, text }: { readonly term: string; readonly text: string }) => (
  <div>
    <dt>{term}</dt>
    <dd>{text}</dd>
  </div>
);

const Facts = ({ video }: { readonly video: Video }) => (
  <section class="panel">
    <h1>{video.name}</h1>
    {video.description && <p>{video.description}</p>}
    <dl class="facts">
      <Fact term={t('site')} text={video.site.name} />
      <Fact term={t('duration')} text={formatDuration(video.durationMs)} />
      <Fact term={t('size')} text={formatSize(video.sizeBytes)} />
      <Fact term={t('bitrate')} text={formatBitrate(video.bitrateBps)} />
      <Fact term={t('codecs')} text={video.codecs.join(', ')} />
      <Fact term={t('sourceAddress')} text={video.sourceAddress} />
      <Fact term={t('path')} text={video.path} />
      <Fact term={t('publishedAt')} text={formatTime(video.publishedAt)} />
      <Fact term={t('registeredAt')} text={formatTime(video.registeredAt)} />
    </dl>
  </section>
);

mount(<Watch />);
