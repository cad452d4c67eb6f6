/** Follows what central would have this site hold copies of. The position moves on in the transaction that takes it down. */

import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { writeAssignments } from '../database/copies.ts';
import { readSignal } from '../database/signal.ts';
import type { SiteDatabase } from '../database/videos.ts';
import type { CentralCalls } from '../publication/central-client.ts';

const RETRY_MS = 5_000;

export interface Assignments extends Repeating {
  /** Central answered when it was last asked. */
  readonly isConnected: () => boolean;
}

export function startAssignments(options: {
  readonly db: SiteDatabase;
  readonly calls: CentralCalls;
  /** There may be something to copy, or to drop. */
  readonly onAssigned: () => void;
  readonly log: Log;
}): Assignments {
  const { db, calls, onAssigned, log } = options;
  let isConnected = false;
  const repeating = repeat(async signal => {
    if (calls.site() === undefined) return RETRY_MS;
    try {
      const after = Number((await readSignal(db)).assignments);
      // The first answer is wanted at once: it says that central is there.
      const { assignments, position } = await calls.awaitAssignments(after, isConnected, signal);
      isConnected = true;
      await writeAssignments(db, assignments, position);
      if (assignments.length > 0) onAssigned();
      return 0;
    } catch (error) {
      isConnected = false;
      if (!signal.aborted) log.debug({ reason: messageOf(error) }, 'assignments not heard');
      return RETRY_MS;
    }
  });
  return { ...repeating, isConnected: () => isConnected };
}
