/** The bar with the controls below the picture, made of the elements of media-chrome. */
import type { ComponentChildren } from 'preact';
import { useTranslation } from '../i18n/use-translation.tsx';
import {
  MediaAirplayButton,
  MediaControlBar,
  MediaFullscreenButton,
  MediaMuteButton,
  MediaPipButton,
  MediaPlayButton,
  MediaSeekBackwardButton,
  MediaSeekForwardButton,
  MediaTimeDisplay,
  MediaTimeRange,
  MediaVolumeRange,
} from './media-elements.ts';

const SKIP_S = 10;

interface ControlBarProps {
  readonly captions: 'none' | 'off' | 'on';
  readonly onCaptions: () => void;
  readonly isMenuOpen: boolean;
  readonly onMenu: () => void;
  readonly onNext: (() => void) | undefined;
}

export function ControlBar({ captions, onCaptions, isMenuOpen, onMenu, onNext }: ControlBarProps) {
  const { t } = useTranslation();
  return (
    <div class="player-bottom">
      <MediaTimeRange data-testid="seek-bar" />
      <MediaControlBar>
        <MediaPlayButton />
        <MediaSeekBackwardButton class="player-wide" seekoffset={SKIP_S} />
        <MediaSeekForwardButton class="player-wide" seekoffset={SKIP_S} />
        {onNext && (
          <IconButton label={t.player.next} onClick={onNext} testId="next-video">
            <path d="M4 4.5v15l11-7.5zM17 4.5h3v15h-3z" />
          </IconButton>
        )}
        <MediaMuteButton />
        <MediaVolumeRange class="player-wide" />
        <MediaTimeDisplay showduration notoggle />
        <span class="player-space" />
        {captions !== 'none' && (
          <IconButton
            label={t.player.captions}
            onClick={onCaptions}
            testId="captions-button"
            more={{ 'aria-pressed': captions === 'on' }}
          >
            <path
              fill-rule="evenodd"
              d="M4 4h16a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zm1 6v2.5h6V10zm8 0v2.5h6V10zm-8 4.5V17h9v-2.5zm11 0V17h3v-2.5z"
            />
          </IconButton>
        )}
        <IconButton
          label={t.player.settings}
          onClick={onMenu}
          testId="player-settings"
          more={{ 'aria-haspopup': 'menu', 'aria-expanded': isMenuOpen }}
        >
          <path d="M13.9 2l.5 2.6c.6.2 1.2.5 1.7.9l2.5-.9 1.9 3.3-2 1.7a7 7 0 0 1 0 2l2 1.7-1.9 3.3-2.5-.9c-.5.4-1.1.7-1.7.9l-.5 2.6h-3.8l-.5-2.6c-.6-.2-1.2-.5-1.7-.9l-2.5.9-1.9-3.3 2-1.7a7 7 0 0 1 0-2l-2-1.7 1.9-3.3 2.5.9c.5-.4 1.1-.7 1.7-.9l.5-2.6zM12 8.3a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4z" />
        </IconButton>
        <MediaAirplayButton />
        <MediaPipButton class="player-wide" />
        <MediaFullscreenButton />
      </MediaControlBar>
    </div>
  );
}

interface IconButtonProps {
  readonly label: string;
  readonly onClick: () => void;
  readonly testId: string;
  readonly children: ComponentChildren;
  readonly more?: Readonly<Record<string, string | boolean>>;
}

const IconButton = ({ label, onClick, testId, children, more }: IconButtonProps) => (
  <button
    type="button"
    class="player-button"
    aria-label={label}
    title={label}
    data-testid={testId}
    onClick={onClick}
    {...more}
  >
    <svg viewBox="0 0 24 24" aria-hidden="true">
      {children}
    </svg>
  </button>
);
