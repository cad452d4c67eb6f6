/** Joins central if a member has not joined or has a new join token. A join token that central refused is not tried again. */
import type { JoinResponse } from '../../protocol/central.ts';
import type { Log } from '../log.ts';
import type { Problem } from '../problem.ts';
import { isJoinRefused, joinIfNeeded, joinTokenMissing, type MemberIdentity } from './member.ts';

export interface JoiningDeps {
  readonly directory: string;
  readonly centralUrl: string;
  readonly joinToken: string | undefined;
  readonly role: JoinResponse['role'];
  readonly log: Log;
  /** What this member cannot do, for the log: "this site has not joined central: …". */
  readonly consequence: string;
}

export interface Joining {
  /** @returns the identity after joining, or the same one. @throws Problem if joining failed and may succeed later */
  run(identity: MemberIdentity): Promise<MemberIdentity>;
  /** Why this member cannot join until an operator acts. */
  readonly problem: () => Problem | undefined;
}

export function createJoining(deps: JoiningDeps): Joining {
  const { joinToken, log, consequence, ...parameters } = deps;
  let stuck: Problem | undefined;
  return {
    problem: () => stuck,
    async run(identity) {
      if (stuck) return identity;
      try {
        if (joinToken) return await joinIfNeeded(identity, { ...parameters, joinToken }, log);
        if (!identity.membership) throw joinTokenMissing();
      } catch (error) {
        if (!isJoinRefused(error)) throw error;
        stuck = error;
        log.warn({ code: error.code, reason: error.message, central: deps.centralUrl }, consequence);
      }
      return identity;
    },
  };
}
