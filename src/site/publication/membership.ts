/** Joins central, and then reads from it the trackers and the epoch. A site that cannot join continues to work by itself. */
import type { Signer } from '../../kernel/http/client.ts';
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { joinIfNeeded, type MemberIdentity, signerOf } from '../../kernel/membership/member.ts';
import type { Problem } from '../../kernel/problem.ts';
import type { SiteId } from '../../protocol/base/ids.ts';
import type { Epoch } from '../../protocol/publication/epoch.ts';
import type { SiteConfig } from '../config.ts';
import { type Central, centralOf, type LinkedCentral } from './central-client.ts';

const RETRY_MS = 2_000;
const REFRESH_MS = 15_000;

export interface MembershipEvents {
  readonly onJoined: () => void;
  readonly onUnreachable: () => void;
  /** Fetches the epoch of which central accepts records, and acts on it. */
  readonly checkEpoch: (fetchEpoch: () => Promise<Epoch | undefined>) => Promise<void>;
}

export interface SiteMembership {
  readonly identity: () => MemberIdentity;
  /** Undefined until this site has joined, and while this process is stopped as a clone. */
  readonly central: () => (Central & LinkedCentral) | undefined;
  /** Central for handshakes, which a clone repeats until it is accepted. */
  readonly centralForHandshakes: () => Central | undefined;
  readonly noteHandshake: (refusal: Problem | undefined) => void;
  /** Why this process publishes nothing, if it is a clone: another one runs with the same key. */
  readonly stoppedBecause: () => string | undefined;
  /** The id of this site; undefined until it has joined. */
  readonly siteId: () => SiteId | undefined;
  /** Base URLs of the trackers, best first. */
  readonly trackerUrls: () => readonly string[];
  readonly trackerUrl: () => string | undefined;
  /** The best tracker, and the signer for calls to it; undefined until this site has joined. */
  readonly tracker: () => { readonly url: string; readonly signer: Signer } | undefined;
  /** True once central has reported, in this start, that it cannot connect to this site. */
  readonly isUnreachable: () => boolean;
  /** Joins if this site has not joined or has a new join token, and then reads central's member info repeatedly. */
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
  let stoppedBecause: string | undefined;

  /** @returns true if this site has joined, perhaps again */
  async function join(centralUrl: string, joinToken: string): Promise<boolean> {
    const { key } = identity;
    identity = await joinIfNeeded(identity, { directory, centralUrl, joinToken, role: 'site' }, log);
    if (identity.key === key) return false;
    trackers = identity.membership?.trackers ?? [];
    return true;
  }

  async function refresh(central: Central, events: MembershipEvents, abort: AbortSignal): Promise<void> {
    await events.checkEpoch(async () => {
      const info = await central.fetchMemberInfo(abort);
      trackers = info.trackers;
      if (info.unreachable && !unreachable) {
        unreachable = true;
        events.onUnreachable();
      }
      return info.epoch;
    });
  }

  return {
    identity: () => identity,
    central: () => (stoppedBecause === undefined ? centralOf(identity) : undefined),
    centralForHandshakes: () => centralOf(identity),
    noteHandshake(refusal) {
      const reason = refusal?.code === 'site-cloned' ? refusal.message : undefined;
      if (reason !== undefined && stoppedBecause === undefined)
        log.error({ reason }, 'this process is a clone');
      if (refusal === undefined || reason !== undefined) stoppedBecause = reason;
    },
    stoppedBecause: () => stoppedBecause,
    siteId: () => identity.membership?.id as SiteId | undefined,
    trackerUrls: () => trackers,
    trackerUrl: () => trackers[0],
    tracker() {
      const { key, membership } = identity;
      const [url] = trackers;
      return membership && url !== undefined ? { url, signer: signerOf(key, membership) } : undefined;
    },
    isUnreachable: () => unreachable,
    start: events =>
      memberLoop(
        {
          name: 'contacting central',
          peer: () => identity,
          everyMs: REFRESH_MS,
          retryMs: RETRY_MS,
          log,
        },
        async (_member, abort) => {
          if (config.central && config.joinToken && (await join(config.central, config.joinToken))) {
            events.onJoined();
          }
          const central = centralOf(identity);
          if (!central) return REFRESH_MS;
          await refresh(central, events, abort);
          return trackers.length > 0 ? REFRESH_MS : RETRY_MS;
        },
      ),
  };
}
