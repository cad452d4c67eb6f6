/** Joins central, and then reads from it the trackers and the epoch. A site that cannot join continues to work by itself. */
import type { Signer } from '../../kernel/http/client.ts';
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import type { Repeating } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { createJoining, type Joining } from '../../kernel/membership/joining.ts';
import { type MemberIdentity, signerOf, updateMembership } from '../../kernel/membership/member.ts';
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
  /** The name that people see: central's once this site has joined, until then the configured one. */
  readonly siteName: () => string;
  /** Why this site cannot join central until an operator acts. */
  readonly joinProblem: () => Problem | undefined;
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
  const reportBaseUrl = createBaseUrlReport(config.baseUrl, log);
  const joining = createSiteJoining(config, directory, log);

  /** Joins if needed. @returns false if this site cannot join until an operator acts */
  async function joinOnce(events: MembershipEvents): Promise<boolean> {
    if (!joining) return true;
    const { key } = identity;
    identity = await joining.run(identity);
    if (identity.key !== key) {
      trackers = identity.membership?.trackers ?? [];
      events.onJoined();
    }
    return joining.problem() === undefined;
  }

  async function refresh(central: Central, events: MembershipEvents, abort: AbortSignal): Promise<void> {
    await events.checkEpoch(async () => {
      const info = await central.fetchMemberInfo(abort);
      trackers = info.trackers;
      if (info.settings) identity = await updateMembership(directory, identity, info.settings);
      reportBaseUrl(info.settings?.baseUrl ?? config.baseUrl);
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
    siteName: () => identity.membership?.name ?? config.name,
    joinProblem: () => joining?.problem(),
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
          recovered: 'central reached again',
          peer: () => identity,
          everyMs: REFRESH_MS,
          retryMs: RETRY_MS,
          log,
        },
        async (_member, abort) => {
          if (!(await joinOnce(events))) return REFRESH_MS;
          const central = centralOf(identity);
          if (!central) return REFRESH_MS;
          await refresh(central, events, abort);
          return trackers.length > 0 ? REFRESH_MS : RETRY_MS;
        },
      ),
  };
}

function createSiteJoining(config: SiteConfig, directory: string, log: Log): Joining | undefined {
  const { central: centralUrl, joinToken } = config;
  if (centralUrl === undefined) return undefined;
  const consequence =
    'this site has not joined central: videos play here, and are published after it has joined';
  return createJoining({ directory, centralUrl, joinToken, role: 'site', log, consequence });
}

/** Operators edit the base URL at central, which all other parts use. A different one in the configuration is logged once. */
function createBaseUrlReport(configured: string, log: Log): (atCentral: string) => void {
  let known = configured;
  return atCentral => {
    if (atCentral === known) return;
    known = atCentral;
    if (atCentral === configured) return;
    log.warn(
      { atCentral, configured },
      'central has another base URL for this site; set baseUrl to the same address, and restart',
    );
  };
}
