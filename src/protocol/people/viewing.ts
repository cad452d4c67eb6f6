/** Who may find and watch a video. Central, sites and pages decide with the same function. */
import type { Audience } from './audience.ts';
import { type Holder, isAllowed, type Target } from './permissions.ts';

export interface Viewer extends Holder {
  /** The ids of the person's groups. */
  readonly groups: readonly string[];
}

/** What the decision needs to know about a video. */
export interface Watchable extends Target {
  readonly audience: Audience;
  /** The ids of the groups that may watch, if the audience is `groups`. */
  readonly groups: readonly string[];
}

/** Everyone who may edit a video may also watch it. A link to a private video is checked elsewhere. */
export function mayWatch(viewer: Viewer, video: Watchable): boolean {
  if (video.audience === 'public') return true;
  if (video.audience === 'internal' && isAllowed(viewer, 'watch-internal', video)) return true;
  if (video.audience === 'groups' && video.groups.some(group => viewer.groups.includes(group))) return true;
  return isAllowed(viewer, 'edit', video);
}
