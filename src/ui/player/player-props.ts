/** What a page gives to the player, and what it can do with it. */
import type { RefObject } from 'preact';
import type { Pictures } from '../../protocol/media/media.ts';
import type { VideoDetails } from '../../protocol/publication/details.ts';
import type { PlaybackEvents, PlaybackStats } from './hls/playback.ts';

/** What a page can do with a player, for example a transcript that is clicked, or an editor of captions. */
export interface PlayerControls {
  play(): void;
  pause(): void;
  seek(ms: number): void;
  currentMs(): number;
  /** Puts the focus on the video. */
  focus(): void;
}

export type PlayerState = 'loading' | 'playing' | 'paused' | 'waiting' | 'ended' | 'failed';

/** Another video to which the player leads. */
export interface NextVideo {
  readonly name: string;
  readonly href: string;
}

export interface PlayerProps extends Partial<Omit<PlaybackEvents, 'onTracks' | 'onQualities'>> {
  /** Under this id, the player remembers where the viewer stopped. Without it, it remembers nothing. */
  readonly video?: string | undefined;
  readonly url: string | undefined;
  readonly sourceCount?: number;
  /** Another number restarts playback at the current position. */
  readonly attempt?: number;
  readonly name: string;
  /** BCP 47 tag of the name. */
  readonly language?: string | undefined;
  /** People or site, for the lock screen. */
  readonly artist?: string | undefined;
  readonly siteId?: string | undefined;
  /** The name of the site that serves the video. */
  readonly siteName?: string | undefined;
  /** Default: the duration that the stream reports. */
  readonly durationMs?: number | undefined;
  readonly chapters?: VideoDetails['chapters'];
  /** Where playback starts, in milliseconds. Default: 0. */
  readonly startMs?: number | undefined;
  /** Default: true. */
  readonly autoplay?: boolean;
  /** The language of the captions that are shown at first. Default: the viewer's last choice. */
  readonly captions?: string | undefined;
  /** The address of the page at a position, for copying. Without it, the menu does not offer one. */
  readonly linkAt?: ((ms: number) => string) | undefined;
  readonly next?: NextVideo | undefined;
  /** The player sets it while it is on the page. */
  readonly controls?: RefObject<PlayerControls | undefined>;
  /** The position changed, in milliseconds. Several times a second during playback. */
  readonly onTime?: (ms: number) => void;
  readonly onState?: (state: PlayerState) => void;
  /** URL of the revision at the best site, ending in `/`; undefined until it is known. */
  readonly revisionUrl: string | undefined;
  readonly pictures: Pictures | undefined;
  /** The tracker's latest order of pathways. */
  readonly priority?: readonly string[] | undefined;
  readonly onStats?: (stats: PlaybackStats) => void;
}
