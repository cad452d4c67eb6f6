/** Joining the centre, and keeping up with what it would have a site know. A site that cannot join goes on alone. */
import { call } from '../../kernel/http/client.ts';
import { joinCentral, type MemberIdentity, signerOf } from '../../kernel/identity/member.ts';
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { memberInfoSchema } from '../../protocol/central.ts';
import type { Epoch } from '../../protocol/publication/epoch.ts';
import type { SiteConfig } from '../config.ts';

const RETRY_MS = 2_000;
const REFRESH_MS = 15_000;
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;

export interface MembershipEvents {
  readonly onJoined: () => void;
  readonly onUnreachable: () => void;
  /** Asks central which epoch it takes records of, and acts on the answer. */
  readonly checkEpoch: (ask: () => Promise<Epoch | undefined>) => Promise<void>;
}

export interface SiteMembership {
  readonly identity: () => MemberIdentity;
  /** Base URLs of the trackers, best first. */
  readonly trackerUrls: () => readonly string[];
  /** Central has said, in this start, that it cannot connect to this site. */
  readonly isUnreachable: () => boolean;
  /** Joins where that is still to be done, and asks central again and again. */
  start(events: MembershipEvents): Repeating;
}

export function createMembership(
  config: SiteConfig,
  directory: string,
  initial: MemberIdentity,
  log: Log,
): SiteMembership {
  let identity = initial;
  let trackers: readonly string[] = initial.membership?.trackers ?? [];
  let unreachable = false;

  const start = (events: MembershipEvents): Repeating =>
    repeat(async signal => {
      const { key, membership } = identity;
      try {
        if (!membership) {
          if (!config.central || !config.joinToken) return REFRESH_MS;
          const joined = await joinCentral(directory, key, config.central, config.joinToken, 'site');
          identity = { key, membership: joined };
          trackers = joined.trackers;
          log.info({ site: joined.id, central: config.central }, 'joined');
          events.onJoined();
        } else {
          await events.checkEpoch(async () => {
            const answer = await call(`${membership.centralUrl}/api/member`, {
              signer: signerOf(key, membership),
              timeoutMs: TIMEOUT_MS,
              maxBytes: MAX_ANSWER_BYTES,
              abort: signal,
              response: memberInfoSchema,
            });
            trackers = answer.trackers;
            if (answer.unreachable && !unreachable) {
              unreachable = true;
              events.onUnreachable();
            }
            return answer.epoch;
          });
        }
        return trackers.length > 0 ? REFRESH_MS : RETRY_MS;
      } catch (error) {
        if (!signal.aborted)
          log.warn({ reason: messageOf(error) }, membership ? 'central not reached' : 'not joined yet');
        return RETRY_MS;
      }
    });
  return { identity: () => identity, trackerUrls: () => trackers, isUnreachable: () => unreachable, start };
}
