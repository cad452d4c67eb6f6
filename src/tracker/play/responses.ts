/** The responses to a player that starts a video: JSON, a steered HLS playlist, a steered MPD. */
import type { Decider } from './decide.ts';
import { renderDash } from './render/dash.ts';
import { renderHls } from './render/hls.ts';
import { renderJson } from './render/json.ts';
import type { RenderSources } from './render/sources.ts';
import type { PlayRequest } from './request.ts';
import type { StartPlayback } from './start-playback.ts';
import type { Timelines } from './timelines.ts';

export interface PlayResponses {
  /** A `PlayResponse` as ASCII JSON. */
  json(request: PlayRequest): string;
  hls(request: PlayRequest): string;
  dash(request: PlayRequest): Promise<string>;
}

export interface PlayResponsesDeps {
  readonly startPlayback: StartPlayback;
  readonly decider: Pick<Decider, 'urlsByAuthority'>;
  readonly timelines: Pick<Timelines, 'get'>;
  readonly renderSources: RenderSources;
}

export function createPlayResponses(deps: PlayResponsesDeps): PlayResponses {
  const { startPlayback, decider, timelines, renderSources } = deps;
  return {
    json: request => startPlayback(request, playback => renderJson(request, playback, renderSources)),
    hls: request => startPlayback(request, playback => renderHls(request, playback)),
    dash: request =>
      startPlayback(request, async playback => {
        const { decision } = playback;
        const { revision } = decision.video;
        const timeline = await timelines.get(request.video, revision, decider.urlsByAuthority(decision));
        return renderDash(request, playback, timeline);
      }),
  };
}
