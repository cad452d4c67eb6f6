/**
 * The elements of media-chrome that the player uses, and no others. The build takes their styles from this list (vite.config.ts): the
 * content security policy permits exactly those.
 */
import 'media-chrome/media-controller.js';
import 'media-chrome/media-control-bar.js';
import 'media-chrome/media-time-range.js';
import 'media-chrome/media-play-button.js';
import 'media-chrome/media-seek-backward-button.js';
import 'media-chrome/media-seek-forward-button.js';
import 'media-chrome/media-mute-button.js';
import 'media-chrome/media-volume-range.js';
import 'media-chrome/media-time-display.js';
import 'media-chrome/media-pip-button.js';
import 'media-chrome/media-airplay-button.js';
import 'media-chrome/media-fullscreen-button.js';
import 'media-chrome/media-loading-indicator.js';
import 'media-chrome/lang/zh-CN.js';
import type { ComponentType, HTMLAttributes } from 'preact';

type ElementProps = HTMLAttributes<HTMLElement> & { readonly [attribute: string]: unknown };
/** Preact creates an element of this name. */
const element = (name: string): ComponentType<ElementProps> => name as unknown as ComponentType<ElementProps>;

export const MediaController = element('media-controller');
export const MediaControlBar = element('media-control-bar');
export const MediaTimeRange = element('media-time-range');
export const MediaPlayButton = element('media-play-button');
export const MediaSeekBackwardButton = element('media-seek-backward-button');
export const MediaSeekForwardButton = element('media-seek-forward-button');
export const MediaMuteButton = element('media-mute-button');
export const MediaVolumeRange = element('media-volume-range');
export const MediaTimeDisplay = element('media-time-display');
export const MediaPipButton = element('media-pip-button');
export const MediaAirplayButton = element('media-airplay-button');
export const MediaFullscreenButton = element('media-fullscreen-button');
export const MediaLoadingIndicator = element('media-loading-indicator');

/** A request of one of media-chrome's buttons, as a script sends it to the controller. */
export const request = (controller: HTMLElement, name: string): boolean =>
  controller.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true }));
