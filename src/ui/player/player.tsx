/** The player of every page. The dataset of its video shows its state and the serving site to tests. */
import type { RefObject } from 'preact';
import { useCallback, useRef, useState } from 'preact/hooks';
import { POSTER, STORYBOARD } from '../../protocol/media/media-address.ts';
import { LANGUAGE_TAGS } from '../i18n/language.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useAppearance } from './captions/use-appearance.ts';
import { ControlBar } from './chrome.tsx';
import { seekTo } from './keyboard/keyboard.ts';
import { LazyHelp, LazyMenu } from './lazy-parts.tsx';
import { MediaController, MediaLoadingIndicator, request } from './media-elements.ts';
import { useMediaSession } from './media-session.ts';
import { Overlays, useHint } from './overlays.tsx';
import type { PlayerProps } from './player-props.ts';
import { useResume } from './resume/use-resume.ts';
import { findCaptions } from './tracks.ts';
import { type Engine, useEngine } from './use-engine.ts';
import { useControls, useDurationMs, useInput } from './use-input.ts';
import { useTextTracks } from './use-text-tracks.ts';

/** In seconds. The controls stay while the pointer rests on them or a menu is open. */
const AUTOHIDE = '3';
const NEVER_HIDE = '-1';

export function Player(props: PlayerProps) {
  const { name, revisionUrl, pictures, chapters, next } = props;
  const { language } = useTranslation();
  const root = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const engine = useEngine(video, props);
  const { tracks } = engine;
  const poster = pictures?.poster && revisionUrl ? `${revisionUrl}${POSTER}` : undefined;
  const { appearance, setAppearance } = useAppearance();
  const resume = useResume(video, { id: props.video, hasStart: (props.startMs ?? 0) > 0 });
  const hint = useHint();
  const [open, setOpen] = useState<'menu' | 'help'>();
  const [cancelledNext, setCancelledNext] = useState<string>();
  const href = next?.href;
  const onNext = useCallback(() => href !== undefined && location.assign(href), [href]);
  const seek = (ms: number): void => {
    if (video.current) seekTo(video.current, ms / 1_000);
  };
  const toggleCaptions = (): void => {
    const { captions, selectedCaptions } = tracks;
    if (captions.length > 0)
      engine.selectCaptions(selectedCaptions >= 0 ? -1 : Math.max(0, findCaptions(captions, language)));
  };
  useTextTracks(video, {
    storyboardUrl: pictures?.storyboard && revisionUrl ? `${revisionUrl}${STORYBOARD}` : undefined,
    chapters,
    durationMs: useDurationMs(video, props.durationMs),
  });
  useMediaSession(video, { title: name, artist: props.artist, poster, onNext: next && onNext });
  useControls(video, props.controls);
  useInput(root, video, {
    toggleCaptions,
    toggleFullscreen() {
      const isFullscreen = root.current?.hasAttribute('mediaisfullscreen');
      if (root.current) request(root.current, `media${isFullscreen ? 'exit' : 'enter'}fullscreenrequest`);
    },
    onHelp: () => setOpen('help'),
    onNext: next && onNext,
    onHint: hint.setSeconds,
  });
  const closeMenu = useCallback(() => {
    setOpen(undefined);
    root.current?.querySelector<HTMLElement>('[data-testid=player-settings]')?.focus();
  }, []);
  return (
    <MediaController
      ref={root}
      class="player"
      lang={LANGUAGE_TAGS[language]}
      nohotkeys=""
      gesturesdisabled=""
      nosubtitleslangpref=""
      nomutedpref=""
      autohide={open === 'menu' ? NEVER_HIDE : AUTOHIDE}
    >
      <PlayerVideo video={video} poster={poster} engine={engine} player={props} />
      <MediaLoadingIndicator slot="centered-chrome" noautohide="" />
      <Overlays
        resumeMs={resume.offeredMs}
        onResume={ms => {
          if (ms !== undefined) seek(ms);
          resume.dismiss();
        }}
        isSilenced={engine.isSilenced}
        onUnmute={engine.unmute}
        hintSeconds={hint.seconds}
        next={engine.state === 'ended' && cancelledNext !== href ? next : undefined}
        onCancelNext={() => setCancelledNext(href)}
      />
      {open === 'menu' && (
        <LazyMenu
          video={video}
          tracks={tracks}
          qualities={engine.qualities}
          chapters={chapters}
          appearance={appearance}
          siteName={props.siteName}
          linkAt={props.linkAt}
          playback={engine.playback}
          onAppearance={setAppearance}
          onCaptions={engine.selectCaptions}
          onHelp={() => setOpen('help')}
          onClose={closeMenu}
        />
      )}
      <ControlBar
        captions={tracks.captions.length === 0 ? 'none' : tracks.selectedCaptions < 0 ? 'off' : 'on'}
        onCaptions={toggleCaptions}
        isMenuOpen={open === 'menu'}
        onMenu={() => setOpen(open === 'menu' ? undefined : 'menu')}
        onNext={next && onNext}
      />
      {open === 'help' && <LazyHelp onClose={() => setOpen(undefined)} />}
    </MediaController>
  );
}

interface PlayerVideoProps {
  readonly video: RefObject<HTMLVideoElement | null>;
  readonly poster: string | undefined;
  readonly engine: Engine;
  readonly player: PlayerProps;
}

function PlayerVideo({ video, poster, engine, player }: PlayerVideoProps) {
  const { t } = useTranslation();
  const { state, setState } = engine;
  return (
    <video
      ref={video}
      slot="media"
      tabIndex={0}
      playsInline
      aria-label={t.watch.player(player.name)}
      data-testid="player"
      data-site={player.siteId ?? ''}
      data-state={state}
      onTimeUpdate={event => player.onTime?.(event.currentTarget.currentTime * 1_000)}
      onPlaying={() => setState('playing')}
      onPause={() => setState('paused')}
      onWaiting={() => setState('waiting')}
      onVolumeChange={engine.onVolume}
      onEnded={() => setState('ended')}
      {...(poster === undefined ? {} : { poster })}
    />
  );
}
