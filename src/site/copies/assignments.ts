/**
 * Follows the set of copies that central assigns to this site. The position is stored in the transaction that stores the
 * assignments.
 */
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { writeAssignments } from '../database/publication/copies.ts';
import { readSignal } from '../database/publication/signal.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import type { Central } from '../publication/central-client.ts';

const RETRY_MS = 5_000;

interface Assignments extends Repeating {
  /** True if central responded to the last request. */
  readonly isConnected: () => boolean;
  /** When central last responded; undefined if it has not since this start. */
  readonly respondedAtMs: () => number | undefined;
}

interface AssignmentsDeps {
  readonly db: SiteDatabase;
  readonly central: () => Pick<Central, 'awaitAssignments'> | undefined;
  /** Called when there may be something to copy or to delete. */
  readonly onAssigned: () => void;
  readonly log: Log;
}

export function startAssignments({ db, central, onAssigned, log }: AssignmentsDeps): Assignments {
  let isConnected = false;
  let respondedAtMs: number | undefined;
  const loop = memberLoop(
    { name: 'reading assignments', peer: central, everyMs: RETRY_MS, log, level: 'debug' },
    async (peer, abort) => {
      const after = Number((await readSignal(db)).assignments);
      // The first request does not wait: its response shows that central can be reached.
      const mayWait = isConnected;
      const { assignments, position } = await peer
        .awaitAssignments(after, mayWait, abort)
        .catch((error: unknown) => {
          isConnected = false;
          throw error;
        });
      isConnected = true;
      respondedAtMs = Date.now();
      await writeAssignments(db, assignments, position);
      if (assignments.length > 0) onAssigned();
      return 0;
    },
  );
  return { ...loop, isConnected: () => isConnected, respondedAtMs: () => respondedAtMs };
}
