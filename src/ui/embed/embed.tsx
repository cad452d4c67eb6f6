/**
 * The player in a page of another site. It uses no session: browsers send no cookies from such a frame. It plays public videos, and others
 * with a grant in its address.
 */
import { useEffect, useRef } from 'preact/hooks';
import type { Video } from '../../protocol/central.ts';
import type { Embedding } from '../../protocol/embedding.ts';
import { ApiError, isPermanent } from '../api/api-error.ts';
import { call } from '../api/call.ts';
import { usePoll } from '../api/use-poll.ts';
import { formatError } from '../i18n/error-text.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { Player } from '../player/player.tsx';
import type { PlayerControls, PlayerState } from '../player/player-props.ts';
import { addTime, parseTime } from '../player/resume/time-address.ts';
import { formatQuery } from '../stream/play-response.ts';
import { useStream } from '../stream/use-stream.ts';
import { useParent } from './use-parent.ts';

const REFRESH_VIDEO_MS = 60_000;
const REPORT_TIME_MS = 250;
/** Reports need no more than this once. */
const ONCE_MS = 86_400_000;

const id = decodeURIComponent(location.pathname.split('/').filter(Boolean).at(-1) ?? '');
const parameters = new URLSearchParams(location.search);
const grant = parameters.get('grant') ?? undefined;
const viewer = { client: parameters.get('client') ?? undefined, grant };
const watchAddress = `${location.origin}/watch/${encodeURIComponent(id)}${grant === undefined ? '' : `#grant=${grant}`}`;

export function Embed() {
  const { t } = useTranslation();
  const path = `/api/videos/${encodeURIComponent(id)}`;
  const video = usePoll(
    'video',
    abort => call<Video>(path + formatQuery({ grant }), { abort, isAnonymous: true }),
    () => REFRESH_VIDEO_MS,
  );
  const embedding = usePoll(
    'embedding',
    abort => call<Embedding>(`${path}/embedding${formatQuery({ grant })}`, { abort, isAnonymous: true }),
    () => ONCE_MS,
  );
  const isPlayable = video.value !== undefined && video.value.state !== 'withdrawn';
  const stream = useStream(id, viewer, !isPlayable);
  const controls = useRef<PlayerControls | undefined>(undefined);
  const state = useRef<PlayerState>('loading');
  const durationS = video.value ? video.value.durationMs / 1_000 : null;
  const report = useParent({ origins: embedding.value?.origins, controls, state, durationS });
  const name = video.value?.name ?? '';
  const isKnown = embedding.value !== undefined && video.value !== undefined;
  useEffect(() => {
    if (isKnown) report({ type: 'ready', video: id, name, duration: durationS });
  }, [isKnown, name, durationS, report]);
  const error = chooseError(video.error, stream.play.error, stream.playback.url !== undefined);
  const code = error instanceof ApiError ? error.code : stream.playback.failure?.kind;
  useEffect(() => {
    if (code !== undefined && embedding.value) report({ type: 'error', code });
  }, [code, embedding.value, report]);
  useEffect(() => {
    document.title = `${name || t.watch.title} · Tributary`;
  }, [name, t]);
  const lastTimeMs = useRef(0);
  return (
    <main class="embed">
      {isPlayable && !isPermanent(error) && (
        <>
          <Title name={name} isShown={stream.playback.url !== undefined} />
          <Player
            {...stream.player}
            video={id}
            name={name}
            language={video.value?.language}
            artist={video.value?.site.name}
            durationMs={video.value?.durationMs}
            chapters={video.value?.chapters}
            pictures={video.value?.pictures}
            startMs={parseTime(parameters.get('t') ?? '')}
            autoplay={['1', 'true'].includes(parameters.get('autoplay') ?? '')}
            captions={parameters.get('captions') ?? undefined}
            linkAt={ms => addTime(watchAddress, ms)}
            controls={controls}
            onState={next => {
              state.current = next;
              const time = (controls.current?.currentMs() ?? 0) / 1_000;
              report({ type: 'state', state: next, time, duration: durationS });
              if (next === 'ended') report({ type: 'ended' });
            }}
            onTime={ms => {
              if (Date.now() - lastTimeMs.current < REPORT_TIME_MS) return;
              lastTimeMs.current = Date.now();
              report({ type: 'time', time: ms / 1_000 });
            }}
          />
        </>
      )}
      {error !== undefined && <Message error={error} />}
    </main>
  );
}

/** A failure that passes is not worth disturbing a video that plays. */
const chooseError = (video: unknown, play: unknown, isPlaying: boolean): unknown =>
  [video, play].find(isPermanent) ?? (isPlaying ? undefined : (video ?? play));

function Title({ name, isShown }: { readonly name: string; readonly isShown: boolean }) {
  const { t } = useTranslation();
  if (!isShown) return null;
  return (
    <h1 class="embed-title">
      <a href={watchAddress} target="_blank" rel="noopener" dir="auto" title={t.embed.openPage}>
        {name}
      </a>
    </h1>
  );
}

function Message({ error }: { readonly error: unknown }) {
  const { t, language } = useTranslation();
  const isUnknown = error instanceof ApiError && error.code === 'video-unknown';
  return (
    <div class="embed-message" role="alert" data-testid="embed-message">
      <p>{formatError(error, language, t)}</p>
      {isUnknown && <p>{t.embed.publicOnly}</p>}
      <a href={watchAddress} target="_blank" rel="noopener">
        {t.embed.openPage}
      </a>
    </div>
  );
}
