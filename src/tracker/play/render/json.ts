/** Renders the start of a playback as JSON. */
import { asciiJson } from '../../choice/rendered-reason.ts';
import { listClientParameters } from '../../client/client.ts';
import { formatSteerUri } from '../../steering/manifest.ts';
import type { PlayRequest } from '../request.ts';
import type { Playback } from '../start-playback.ts';
import type { RenderSources } from './sources.ts';

/** A `PlayResponse` as JSON, in ASCII. */
export function renderJson(request: PlayRequest, playback: Playback, renderSources: RenderSources): string {
  const { decision, session, origin } = playback;
  const { video, access } = decision;
  const head = `{"video":"${request.video}","revision":"${video.revision}","name":${asciiJson(video.name)},"sources":`;
  const hls = asciiJson(playUri(request, session.id, 'm3u8'));
  const dash = asciiJson(playUri(request, session.id, 'mpd'));
  const steering = asciiJson(steerUriOf(request, playback));
  return `${head}${renderSources(decision)},"hls":${hls},"dash":${dash},"steering":${steering},"session":"${session.id}","origin":${renderOrigin(origin)}${access ? ',"isPrivate":true' : ''}}`;
}

/** All URIs carry the same session, so that the tracker accepts the player's later reports. */
function playUri(
  { video, claimedAddress, credentials, trackerUrl }: PlayRequest,
  session: string,
  extension: string,
): string {
  const query = [...listClientParameters(claimedAddress, credentials.grant), `session=${session}`].join('&');
  return `${trackerUrl}/play/${video}.${extension}?${query}`;
}

/** The URI of the steering manifest for this playback. */
export const steerUriOf = (request: PlayRequest, { session, pathways }: Playback): string =>
  formatSteerUri(request.trackerUrl, {
    video: request.video,
    session: session.id,
    pathways,
    client: request.claimedAddress,
    grant: request.credentials.grant,
  });

function renderOrigin({ site, publicKey }: Playback['origin']): string {
  const key = publicKey === undefined ? '' : `,"publicKey":${asciiJson(publicKey)}`;
  return `{"site":"${site}"${key}}`;
}
