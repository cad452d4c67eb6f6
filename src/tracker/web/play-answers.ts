/** What players that begin are told: the sources as JSON, as a steered playlist, as a steered MPD (contract: Tracker). */
import { formatDashManifest } from '../../protocol/dash.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { mediaPath } from '../../protocol/media.ts';
import type { PlayAnswer } from '../../protocol/tracker.ts';
import type { Answers } from '../answers.ts';
import type { Begin, Beginning } from '../beginning.ts';
import { FIRST_TTL_S, formatSteerUri, makeManifest } from '../steering/manifest.ts';
import { formatSteeredPlaylist } from '../steering/playlist.ts';
import type { Timelines } from '../timelines.ts';
import type { Asker } from '../viewers.ts';
import type { Caller } from './client.ts';

export interface PlayAnswerMeans {
  readonly begin: Begin;
  readonly answers: Answers;
  readonly timelines: Timelines;
}

export interface PlayAnswers {
  json(id: VideoId, asker: Asker, caller: Caller, session: string | undefined): PlayAnswer;
  /** A steered multivariant playlist. */
  playlist(id: VideoId, asker: Asker, caller: Caller, session: string | undefined): string;
  /** A steered MPD. */
  manifest(id: VideoId, asker: Asker, caller: Caller, session: string | undefined): Promise<string>;
}

export function createPlayAnswers({ begin, answers, timelines }: PlayAnswerMeans): PlayAnswers {
  /** The same session all the way: what the player says later is then believed. */
  const playUri = (id: VideoId, extension: string, session: string, caller: Caller): string => {
    const claim = caller.claimed === undefined ? '' : `client=${encodeURIComponent(caller.claimed)}&`;
    return `${caller.ownUrl}/play/${id}.${extension}?${claim}session=${session}`;
  };
  const steerUri = (id: VideoId, { session, sources }: Beginning, caller: Caller): string =>
    formatSteerUri(caller.ownUrl, {
      video: id,
      session: session.id,
      pathways: sources.map(({ site }) => site),
      client: caller.claimed,
    });

  function json(id: VideoId, asker: Asker, caller: Caller, sessionId: string | undefined): PlayAnswer {
    const beginning = begin(id, asker, sessionId);
    const { video, sources, session, origin } = beginning;
    return {
      video: id,
      revision: video.revision,
      name: video.name,
      sources: [...sources],
      hls: playUri(id, 'm3u8', session.id, caller),
      dash: playUri(id, 'mpd', session.id, caller),
      steering: steerUri(id, beginning, caller),
      session: session.id,
      origin,
    };
  }

  function playlist(id: VideoId, asker: Asker, caller: Caller, sessionId: string | undefined): string {
    const beginning = begin(id, asker, sessionId);
    const { video, sources } = beginning;
    const pathways = sources.map(source => ({
      id: source.site,
      baseUri: source.baseUrl + mediaPath(id, video.revision, ''),
    }));
    return formatSteeredPlaylist(
      video.renditions,
      pathways,
      makeManifest(
        sources.map(({ site }) => site),
        FIRST_TTL_S,
        steerUri(id, beginning, caller),
      ),
    );
  }

  async function manifest(
    id: VideoId,
    asker: Asker,
    caller: Caller,
    sessionId: string | undefined,
  ): Promise<string> {
    const beginning = begin(id, asker, sessionId);
    const { video, sources, decision } = beginning;
    const timeline = await timelines.of(id, video.revision, answers.askOrder(video, decision));
    const locations = sources.map(({ site, baseUrl }) => ({
      id: site,
      baseUrl: baseUrl + mediaPath(id, video.revision, ''),
    }));
    const steering = {
      serverUrl: steerUri(id, beginning, caller),
      defaultServiceLocation: sources[0].site,
    };
    return formatDashManifest(
      video.renditions,
      timeline,
      locations,
      sources.length > 1 ? steering : undefined,
    );
  }

  return { json, playlist, manifest };
}
