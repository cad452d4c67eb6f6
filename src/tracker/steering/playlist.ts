/** The steered multivariant playlist, with the ranked sites as explicit pathways. Pure. */
import { formatMultivariantPlaylist } from '../../protocol/media/hls.ts';
import type { Rendition } from '../../protocol/media/media.ts';
import type { SteeringManifest } from '../../protocol/tracker.ts';

export interface PlaylistPathway {
  readonly id: string;
  /** Absolute URL of the revision at this site, ending in `/`. */
  readonly baseUri: string;
}

/** Formats the first manifest as a `data:` URI, so that playback starts without a second request to the tracker. */
export const toDataUri = (manifest: SteeringManifest): string =>
  `data:application/vnd.apple.steering-list;base64,${btoa(JSON.stringify(manifest))}`;

/** With only one pathway there is nothing to steer: the result is a plain playlist with absolute URIs. */
export function formatSteeredPlaylist(
  renditions: readonly Rendition[],
  pathways: readonly PlaylistPathway[],
  serverUri: string,
): string {
  const [first] = pathways;
  return pathways.length < 2 || !first
    ? formatMultivariantPlaylist(renditions, pathways)
    : formatMultivariantPlaylist(renditions, pathways, { serverUri, pathwayId: first.id });
}
