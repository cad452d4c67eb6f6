/** What players that begin are told: the sources as JSON, as a steered playlist, as a steered MPD (contract: Tracker). */

import type { VideoId } from '../../../protocol/ids.ts';
import { formatDashManifest } from '../../../protocol/media/dash.ts';
import { formatMultivariantPlaylist } from '../../../protocol/media/hls.ts';
import { mediaPath } from '../../../protocol/media/media.ts';
import { asciiJson } from '../../choice/rendered-reason.ts';
import { type Caller, formatClaim, listClaims } from '../../client/client.ts';
import type { Asker } from '../../client/viewers.ts';
import type { RegisteredVideo } from '../../registry/video-record.ts';
import { FIRST_TTL_S, formatSteerUri, makeManifest } from '../../steering/manifest.ts';
import { formatSteeredPlaylist } from '../../steering/playlist.ts';
import type { Answers } from '../decide.ts';
import type { Begin, Beginning } from '../start.ts';
import { addQuery, GROWING } from '../redirect-and-relay.ts';
import type { SourceTexts } from './sources.ts';
import type { Timelines } from '../timelines.ts';

export interface PlayAnswerMeans {
  readonly begin: Begin;
  readonly answers: Answers;
  readonly timelines: Timelines;
  readonly sourceTexts: SourceTexts;
}

export interface PlayAnswers {
  /** A `PlayResponse` as JSON, in ASCII alone. */
  json(id: VideoId, asker: Asker, caller: Caller, session: string | undefined): string;
  /** A steered multivariant playlist. */
  playlist(id: VideoId, asker: Asker, caller: Caller, session: string | undefined): string;
  /** A steered MPD. */
  manifest(id: VideoId, asker: Asker, caller: Caller, session: string | undefined): Promise<string>;
}

export function createPlayAnswers({ begin, answers, timelines, sourceTexts }: PlayAnswerMeans): PlayAnswers {
  /** The same session all the way: what the player says later is then believed. */
  const playUri = (id: VideoId, extension: string, session: string, caller: Caller): string => {
    const query = [...listClaims(caller.claimed, caller.grant), `session=${session}`].join('&');
    return `${caller.ownUrl}/play/${id}.${extension}?${query}`;
  };
  const steerUri = (id: VideoId, { session, pathways }: Beginning, caller: Caller): string =>
    formatSteerUri(caller.ownUrl, {
      video: id,
      session: session.id,
      pathways,
      client: caller.claimed,
      grant: caller.grant,
    });

  function json(id: VideoId, asker: Asker, caller: Caller, sessionId: string | undefined): string {
    const beginning = begin(id, asker, sessionId);
    const { video, decision, session, origin } = beginning;
    const head = `{"video":"${id}","revision":"${video.revision}","name":${asciiJson(video.name)},"sources":`;
    const hls = asciiJson(playUri(id, 'm3u8', session.id, caller));
    const dash = asciiJson(playUri(id, 'mpd', session.id, caller));
    const steering = asciiJson(steerUri(id, beginning, caller));
    return `${head}${sourceTexts(video, decision)},"hls":${hls},"dash":${dash},"steering":${steering},"session":"${session.id}","origin":${formatOrigin(origin)}${decision.access ? ',"isPrivate":true' : ''}}`;
  }

  function playlist(id: VideoId, asker: Asker, caller: Caller, sessionId: string | undefined): string {
    const beginning = begin(id, asker, sessionId);
    const { video, places } = beginning;
    if (video.isGrowing) return growingPlaylist(video, caller);
    const pathways = places.map(({ site, mediaUrl }) => ({
      id: site,
      baseUri: mediaUrl + mediaPath(id, video.revision, ''),
    }));
    return formatSteeredPlaylist(
      video.renditions,
      pathways,
      makeManifest(
        places.map(({ site }) => site),
        FIRST_TTL_S,
        steerUri(id, beginning, caller),
      ),
    );
  }

  /** A revision never changes, so what grows is listed here, not at the sites. */
  function growingPlaylist(
    { video: id, renditions }: RegisteredVideo,
    { ownUrl, claimed, grant }: Caller,
  ): string {
    const media = renditions.filter(({ kind }) => kind !== 'captions');
    const playlist = formatMultivariantPlaylist(media, [
      { id: '.', baseUri: `${ownUrl}/relay/${id}/${GROWING}/` },
    ]);
    return addQuery(playlist, formatClaim(claimed, grant));
  }

  async function manifest(
    id: VideoId,
    asker: Asker,
    caller: Caller,
    sessionId: string | undefined,
  ): Promise<string> {
    const beginning = begin(id, asker, sessionId);
    const { video, places, decision } = beginning;
    const timeline = await timelines.of(id, video.revision, answers.askOrder(video, decision));
    const locations = places.map(({ site, mediaUrl }) => ({
      id: site,
      baseUrl: mediaUrl + mediaPath(id, video.revision, ''),
    }));
    const steering = {
      serverUrl: steerUri(id, beginning, caller),
      defaultServiceLocation: places[0].site,
    };
    return formatDashManifest(
      video.renditions,
      timeline,
      locations,
      places.length > 1 ? steering : undefined,
    );
  }

  return { json, playlist, manifest };
}

function formatOrigin({ site, publicKey }: Beginning['origin']): string {
  const key = publicKey === undefined ? '' : `,"publicKey":${asciiJson(publicKey)}`;
  return `{"site":"${site}"${key}}`;
}
