/** Follows the rights that central publishes to its members. It uses long polls, so a revocation arrives within a second. */
import type { PeopleChanges } from '../../protocol/people/statements.ts';
import { rightsPageSchema } from '../../protocol/rights.ts';
import { memberLoop } from '../lifecycle/member-loop.ts';
import type { Repeating } from '../lifecycle/repeat.ts';
import type { Log } from '../log.ts';
import type { CentralClient } from '../membership/central-client.ts';
import type { RightsState } from './rights-state.ts';

const WAIT_S = 25;
/** 1,000 videos and 1,000 grants of about 80 bytes. */
const MAX_PAGE_BYTES = 2 ** 18;
const RETRY_MS = 2_000;
/** Limits the request rate if central does not hold an empty response back. */
const IDLE_MS = 500;

/** The changes of people between two positions of the feed. */
export interface PeopleFollower {
  /** When this resolves, statements that may be out of date no longer count, also after a restart. */
  apply(page: {
    readonly after: number;
    readonly position: number;
    readonly changes: PeopleChanges;
  }): Promise<void>;
}

export interface FollowRightsDeps {
  readonly state: RightsState;
  /** Undefined until this member has joined. */
  readonly central: () => CentralClient | undefined;
  /** Absent: this member knows no people. */
  readonly people?: PeopleFollower;
  readonly log: Log;
}

export function followRights({ state, central, people, log }: FollowRightsDeps): Repeating {
  /** The member whose keys were read. Joining again may change it. */
  let synced: string | undefined;
  return memberLoop(
    { name: 'reading rights', peer: central, everyMs: RETRY_MS, log, level: 'debug' },
    async (peer, abort) => {
      const startedMs = performance.now();
      const { position: after } = state;
      const generation = state.newest?.generation;
      // The first request of a start does not wait: its response contains the changes missed since the last stop.
      const isFirst = synced !== peer.member;
      const waitS = isFirst ? 0 : WAIT_S;
      const page = await peer.call(
        `/api/rights?after=${after}&generation=${generation ?? 0}&wait=${waitS}${people ? '&people=true' : ''}`,
        { waitS: WAIT_S, maxBytes: MAX_PAGE_BYTES, response: rightsPageSchema },
        abort,
      );
      if (page.people) await people?.apply({ after, position: page.position, changes: page.people });
      const isNews = page.position !== after || page.keys[0]?.generation !== generation;
      state.apply(page);
      if (isNews || isFirst) await state.save();
      synced = peer.member;
      return isNews || isFirst || performance.now() - startedMs > IDLE_MS ? 0 : IDLE_MS;
    },
  );
}
