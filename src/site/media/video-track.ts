/** Chooses the one video track that is shown (pure), once for the source, the ladder, the poster and the storyboard. */

interface VideoTraits {
  /** The author enabled the track. */
  readonly isEnabled: boolean;
  /** The author marked the track as the default. */
  readonly isDefault: boolean;
  /** Width times height. */
  readonly pixels: number;
}

/** Enabled before disabled, default before others, then the largest, then the first. */
export const chooseVideoTrack = <T extends VideoTraits>(tracks: readonly T[]): T | undefined =>
  tracks.toSorted(
    (a, b) =>
      Number(b.isEnabled) - Number(a.isEnabled) ||
      Number(b.isDefault) - Number(a.isDefault) ||
      b.pixels - a.pixels,
  )[0];

/** Where a track is in its container. */
export interface TrackPosition {
  /** `track_ID` in MP4 and MOV; absent in other containers. */
  readonly id?: number;
  /** Index among all tracks of its kind, from 0. */
  readonly order: number;
}
