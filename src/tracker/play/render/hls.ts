/** Renders the start of a playback as an HLS multivariant playlist. */
import { formatMultivariantPlaylist } from '../../../protocol/media/hls.ts';
import type { Rendition } from '../../../protocol/media/media.ts';
import { MEDIA_PLAYLIST, mediaPath } from '../../../protocol/media/media.ts';
import { formatClientQuery } from '../../client/client.ts';
import { isElement, type Player } from '../../client/player.ts';
import { FIRST_TTL_S, makeManifest } from '../../steering/manifest.ts';
import { formatSteeredPlaylist, toDataUri } from '../../steering/playlist.ts';
import type { PlayRequest } from '../request.ts';
import type { Playback } from '../start-playback.ts';
import { steerUriOf } from './json.ts';
import { selectOneCodec } from './one-codec.ts';

/** In the URLs of the relay: the newest revision of a growing video. Each revision contains the segments of those before. */
export const GROWING = 'growing';

/** The ranked sites as pathways, with a steering server; for the built-in player of a browser, a playlist without pathways. */
export function renderHls(request: PlayRequest, playback: Playback): string {
  const { decision, sites } = playback;
  const { revision, renditions, isGrowing } = decision.video;
  if (request.player === 'opaque-element') return renderOnePathway(decision.video, sites[0].mediaUrl);
  if (isGrowing || request.player === 'element') return renderRelayed(request, decision.video);
  const pathways = sites.map(({ site, mediaUrl }) => ({
    id: site,
    baseUri: mediaUrl + mediaPath(request.video, revision, ''),
  }));
  return formatSteeredPlaylist(renditions, pathways, serverUriOf(request, playback));
}

/**
 * Shaka Player waits for the first steering manifest before it plays, so scripts get it inline: then a tracker that stops
 * responding does not delay them.
 */
function serverUriOf(request: PlayRequest, playback: Playback): string {
  const steerUri = steerUriOf(request, playback);
  if (request.player !== 'script') return steerUri;
  const order = playback.sites.map(({ site }) => site);
  return toDataUri(makeManifest(order, FIRST_TTL_S, steerUri));
}

/** The tracker itself serves the media playlists of a growing video, because the revision at a site never changes. */
function renderRelayed(
  { video, player, trackerUrl, claimedAddress, credentials }: PlayRequest,
  { renditions, revision, isGrowing }: Playback['decision']['video'],
): string {
  return renderRelayPlaylist(renditions, player, {
    baseUri: `${trackerUrl}/relay/${video}/${isGrowing ? GROWING : revision}/`,
    query: formatClientQuery(claimedAddress, credentials.grant),
  });
}

/**
 * The media playlists of one site, in one codec: an element without `crossorigin` rejects segments of another origin than that of
 * their playlist. A growing video ends where it ended when it was requested.
 */
export const renderOnePathway = (
  { video, revision, renditions }: Playback['decision']['video'],
  mediaUrl: string,
): string =>
  formatMultivariantPlaylist(selectOneCodec(renditions), [
    { id: '.', baseUri: mediaUrl + mediaPath(video, revision, '') },
  ]);

const withoutIFrames = (rendition: Rendition): Rendition => {
  if (rendition.kind !== 'video') return rendition;
  const { iframeBandwidthBps: _, ...others } = rendition;
  return others;
};

/** A playlist whose media playlists are below `baseUri`. It has no captions or I-frames, which only the sites serve. */
export function renderRelayPlaylist(
  renditions: readonly Rendition[],
  player: Player,
  { baseUri, query }: { readonly baseUri: string; readonly query: string },
): string {
  const playable = isElement(player) ? selectOneCodec(renditions) : renditions;
  const media = playable.filter(({ kind }) => kind !== 'captions').map(withoutIFrames);
  const playlist = formatMultivariantPlaylist(media, [{ id: '.', baseUri }]);
  // Relative URIs do not inherit the query, so each one gets it.
  return playlist.replaceAll(`/${MEDIA_PLAYLIST}`, `/${MEDIA_PLAYLIST}${query}`);
}
