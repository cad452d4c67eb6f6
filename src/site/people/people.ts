/** The people of a site: their sessions and tokens, which central vouches for, and the reports to central of who has signed out. */

import * as z from 'zod';
import { type CredentialChecker, createCredentialChecker } from '../../kernel/access/check-credentials.ts';
import { vouchingCentralOf } from '../../kernel/access/vouching-central.ts';
import { createEvent } from '../../kernel/lifecycle/event.ts';
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Log } from '../../kernel/log.ts';
import { centralClientOf } from '../../kernel/membership/central-client.ts';
import type { MemberIdentity } from '../../kernel/membership/member.ts';
import type { PeopleFollower } from '../../kernel/rights/follow-rights.ts';
import {
  applyPeopleChanges,
  createCredentialStore,
  deleteEnded,
  deleteOldCredentials,
  ENDED,
  endCredential,
  listEnded,
} from '../database/tables/credentials.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';

const REPORT_MS = 5_000;
const CLEANING_MS = 3_600_000;

export interface SitePeopleDeps {
  readonly db: SiteDatabase;
  readonly identity: () => MemberIdentity;
  readonly log: Log;
}

export interface SitePeople extends CredentialChecker {
  readonly follower: PeopleFollower;
  /**
   * Ends a session here, at once, and reports it to central when it can be reached.
   *
   * @param everywhere ends also the session at central and those at other sites that were started from it
   */
  end(hash: string, everywhere: boolean): Promise<void>;
}

export function createSitePeople({ db, identity, log }: SitePeopleDeps, lifetime: Lifetime): SitePeople {
  const checker = createCredentialChecker({
    store: createCredentialStore(db),
    central: () => vouchingCentralOf(centralClientOf(identity()), identity().membership?.centralPublicKey),
    log,
  });
  const ended = createEvent();
  const reporting = startReporting({ db, identity, log });
  lifetime.add('reporting ended sessions', reporting.stop);
  ended.subscribe(reporting.wake);
  return {
    ...checker,
    follower: {
      async apply(page) {
        await applyPeopleChanges(db, page);
        if (page.changes.length > 0) checker.forget();
      },
    },
    async end(hash, everywhere) {
      await endCredential(db, hash, everywhere ? ENDED.everywhere : ENDED.here);
      checker.forget(hash);
      ended.emit();
    },
  };
}

/** Reports sessions that have ended, and deletes old ones now and then. */
function startReporting({ db, identity, log }: SitePeopleDeps) {
  let cleanedMs = Number.NEGATIVE_INFINITY;
  return memberLoop(
    { name: 'reporting ended sessions', peer: identity, everyMs: REPORT_MS, log, level: 'debug' },
    async (member, abort) => {
      if (performance.now() - cleanedMs > CLEANING_MS) {
        await deleteOldCredentials(db, Date.now());
        cleanedMs = performance.now();
      }
      const client = centralClientOf(member);
      if (!client) return undefined;
      for (const { secret_hash, id, ended } of await listEnded(db)) {
        const body = { credential: id, everywhere: ended === ENDED.everywhere };
        await client.call('/api/statements/end', { body, response: z.unknown() }, abort);
        await deleteEnded(db, secret_hash);
      }
      return undefined;
    },
  );
}
