/** Renders the start of a playback as an HLS multivariant playlist. */
import { formatMultivariantPlaylist } from '../../../protocol/media/hls.ts';
import type { Rendition } from '../../../protocol/media/media.ts';
import { MEDIA_PLAYLIST, mediaPath } from '../../../protocol/media/media.ts';
import { formatClientQuery } from '../../client/client.ts';
import { FIRST_TTL_S, makeManifest } from '../../steering/manifest.ts';
import { formatSteeredPlaylist } from '../../steering/playlist.ts';
import type { PlayRequest } from '../request.ts';
import type { Playback } from '../start-playback.ts';
import { steerUriOf } from './json.ts';

/** In the URLs of the relay: the newest revision of a growing video. Each revision contains the segments of those before. */
export const GROWING = 'growing';

/** The ranked sites as pathways, with a steering server. */
export function renderHls(request: PlayRequest, playback: Playback): string {
  const { decision, sites } = playback;
  const { revision, renditions, isGrowing } = decision.video;
  if (isGrowing) return renderGrowing(request, renditions);
  const pathways = sites.map(({ site, mediaUrl }) => ({
    id: site,
    baseUri: mediaUrl + mediaPath(request.video, revision, ''),
  }));
  const order = sites.map(({ site }) => site);
  return formatSteeredPlaylist(
    renditions,
    pathways,
    makeManifest(order, FIRST_TTL_S, steerUriOf(request, playback)),
  );
}

/** The tracker itself serves the media playlists of a growing video, because the revision at a site never changes. */
function renderGrowing(request: PlayRequest, renditions: readonly Rendition[]): string {
  const { video, trackerUrl, claimedAddress, credentials } = request;
  return renderRelayPlaylist(
    renditions,
    `${trackerUrl}/relay/${video}/${GROWING}/`,
    formatClientQuery(claimedAddress, credentials.grant),
  );
}

/** A playlist whose media playlists are below `baseUri`. It has no captions, which only the sites serve. */
export function renderRelayPlaylist(
  renditions: readonly Rendition[],
  baseUri: string,
  query: string,
): string {
  const media = renditions.filter(({ kind }) => kind !== 'captions');
  const playlist = formatMultivariantPlaylist(media, [{ id: '.', baseUri }]);
  // Relative URIs do not inherit the query, so each one gets it.
  return playlist.replaceAll(`/${MEDIA_PLAYLIST}`, `/${MEDIA_PLAYLIST}${query}`);
}
