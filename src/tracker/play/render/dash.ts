/** Renders the start of a playback as a DASH manifest. */
import { formatDashManifest } from '../../../protocol/media/dash.ts';
import { mediaPath } from '../../../protocol/media/media.ts';
import type { RevisionTimeline } from '../../../protocol/media/timeline.ts';
import type { PlayRequest } from '../request.ts';
import type { Playback } from '../start-playback.ts';
import { steerUriOf } from './json.ts';

/** The ranked sites as service locations, with a steering server if there are several. */
export function renderDash(request: PlayRequest, playback: Playback, timeline: RevisionTimeline): string {
  const { decision, sites } = playback;
  const { revision, renditions } = decision.video;
  const locations = sites.map(({ site, mediaUrl }) => ({
    id: site,
    baseUrl: mediaUrl + mediaPath(request.video, revision, ''),
  }));
  const steering = {
    serverUrl: steerUriOf(request, playback),
    defaultServiceLocation: sites[0].site,
  };
  return formatDashManifest(renditions, timeline, locations, sites.length > 1 ? steering : undefined);
}
