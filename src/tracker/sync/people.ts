/** The API tokens that operators use at this tracker, with the statements of central about them. They are only in memory. */
import { LRUCache } from 'lru-cache';
import {
  type CredentialChecker,
  type CredentialCheckerDeps,
  type CredentialStore,
  createCredentialChecker,
  type StoredCredential,
} from '../../kernel/access/check-credentials.ts';
import type { Log } from '../../kernel/log.ts';
import type { PeopleFollower } from '../../kernel/rights/follow-rights.ts';

const MAX_TOKENS = 10_000;

type Remembered = StoredCredential & { readonly person: string };

export interface TrackerPeople {
  readonly checker: CredentialChecker;
  readonly follower: PeopleFollower;
}

/** @param central undefined until this tracker has joined */
export function createTrackerPeople(central: CredentialCheckerDeps['central'], log: Log): TrackerPeople {
  const tokens = new LRUCache<string, Remembered>({ max: MAX_TOKENS });
  /** The position in the feed of rights up to which changes were applied. */
  let position = 0;
  const update = (hash: string, change: Partial<Remembered>): void => {
    const found = tokens.get(hash);
    if (found) tokens.set(hash, { ...found, ...change });
  };
  const store: CredentialStore = {
    find: async hash => tokens.get(hash),
    async save({ hash, statement, claims }, nowMs) {
      tokens.set(hash, {
        hash,
        statement,
        kind: claims.kind,
        id: claims.credential,
        person: claims.sub,
        isStale: claims.position < position,
        lastUsedMs: nowMs,
        refreshedMs: nowMs,
      });
    },
    touch: async (hash, lastUsedMs) => update(hash, { lastUsedMs }),
    async remove(hash) {
      tokens.delete(hash);
    },
  };
  const checker = createCredentialChecker({ store, central, log });
  return {
    checker,
    follower: {
      async apply(page) {
        position = page.position;
        if (page.changes.length === 0) return;
        const isConcerned = ({ id, person }: Remembered): boolean =>
          page.changes.some(
            change =>
              'all' in change ||
              ('person' in change && change.person === person) ||
              ('credential' in change && change.credential === id),
          );
        for (const [hash, token] of [...tokens]) if (isConcerned(token)) update(hash, { isStale: true });
        checker.forget();
      },
    },
  };
}
