/** A viewer begins: the decision, the session that the player is given, and what the tracker takes note of by it. */
import type { SiteId, VideoId } from '../../protocol/ids.ts';
import type { PlayResponse } from '../../protocol/tracker.ts';
import type { Session, Sessions } from '../client/sessions.ts';
import type { Asker } from '../client/viewers.ts';
import type { NetworkMemory } from '../memory/network-memory.ts';
import type { RegisteredVideo } from '../registry/registry.ts';
import type { Learning } from '../reports/report-ingestion.ts';
import type { Plays } from '../sync/plays.ts';
import type { Answers, Decision, Place } from './decide.ts';

export interface Beginning {
  readonly video: RegisteredVideo;
  readonly decision: Decision;
  /** The offered sites, best first. */
  readonly places: readonly [Place, ...Place[]];
  /** The same, its home first: where another site is tried, home is the one that is better as far as is known. */
  readonly pathways: readonly SiteId[];
  readonly session: Session;
  /** The site that made the video's bytes, and the key that they are signed with. */
  readonly origin: NonNullable<PlayResponse['origin']>;
}

/** `sessionId`: one that was given before goes on, and is not counted again. @throws Problem as `Answers.play`. */
export type Begin = (id: VideoId, asker: Asker, sessionId: string | undefined) => Beginning;

export function createBegin(
  answers: Answers,
  sessions: Sessions,
  memory: NetworkMemory,
  learning: Pick<Learning, 'noteSent'>,
  plays: Pick<Plays, 'note'>,
): Begin {
  return (id, asker, sessionId) => {
    const nowMs = Date.now();
    const known = sessions.find(sessionId, asker.where?.prefix, nowMs);
    const session = known ?? sessions.begin(asker.where?.prefix ?? '', nowMs);
    const decision = answers.play(id, asker, session.luck);
    const places = answers.places(decision);
    if (!known && asker.where) {
      answers.noteSent(decision, places[0].site);
      memory.noteViewer(asker.where, nowMs);
      learning.noteSent(asker, nowMs);
      plays.note(id, asker.where.prefix);
    }
    const [tried, home, ...others] = places.map(({ site }) => site);
    const isTried = decision.isExploring && tried !== undefined && home !== undefined;
    const pathways = isTried ? [home, tried, ...others] : places.map(({ site }) => site);
    const { video } = decision;
    return { video, decision, places, pathways, session, origin: answers.origin(video) };
  };
}
