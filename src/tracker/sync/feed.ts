/**
 * Follows central's change feed and joins central first if necessary. A request for the changes after a position
 * confirms that everything up to it is registered, so each page is applied before the next one is requested.
 */
import { join } from 'node:path';
import { failpoint } from '../../kernel/failpoint.ts';
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import { memberLoop } from '../../kernel/lifecycle/member-loop.ts';
import { repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { createJoining, type Joining } from '../../kernel/membership/joining.ts';
import type { MemberIdentity, Membership } from '../../kernel/membership/member.ts';
import { type Prefix, parsePrefix } from '../../kernel/network.ts';
import { messageOf, Problem } from '../../kernel/problem.ts';
import type { Change, ChangePage } from '../../protocol/central.ts';
import type { TrackerConfig } from '../config.ts';
import { Registry } from '../registry/registry.ts';
import { LONG_POLL_S, type TrackerCentral, trackerCentralOf } from './central-client.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;
/** A rejected join token rarely becomes valid, and retrying more often looks like guessing. */
const REJECTED_RETRY_MS = 15_000;
/** Prevents a busy loop if central responds to a long poll at once without changes. */
const IDLE_MS = 500;
const SNAPSHOT_EVERY_MS = 5_000;
/** A large registry takes seconds to write (1 million videos: 7 s), so writing takes at most this share of the time. */
const SNAPSHOT_TIME_SHARE = 0.1;

export interface FeedDeps {
  readonly config: Pick<TrackerConfig, 'central' | 'dataDirectory' | 'joinToken'>;
  readonly identity: MemberIdentity;
  readonly registry: Registry;
  /** The registry's sites may have changed. */
  readonly onSites: () => void;
  /** A page of changes was applied. */
  readonly onPage: (changes: readonly Change[]) => void;
  readonly log: Log;
}

export interface Feed {
  /** The client for central; undefined until this tracker has joined. */
  readonly central: () => TrackerCentral | undefined;
  /** Undefined until this tracker has joined. */
  readonly membership: () => Membership | undefined;
  readonly position: () => number;
  /** The last request to central succeeded. */
  readonly connected: () => boolean;
  /** The networks of central whose viewers may watch internal videos. */
  readonly houseNetworks: () => readonly Prefix[];
  /** A sentence while there is nothing to serve from. */
  readonly notReadyReason: () => string | undefined;
}

const LOOP = { name: 'reading the change feed', recovered: 'central reached again', everyMs: 0 } as const;

/** The snapshot is read before this returns. Its final version is written when the lifetime ends. */
export async function followFeed(deps: FeedDeps, lifetime: Lifetime): Promise<Feed> {
  const { config, registry, log, onSites } = deps;
  const path = join(config.dataDirectory, 'registry.snapshot');
  let { identity } = deps;
  let central = trackerCentralOf(identity, config.central);
  let position = await readSnapshot(path, config.central, registry, log);
  let connected = false;
  let houseNetworks: readonly Prefix[] = [];
  let lastError: unknown;
  const joining = createTrackerJoining(deps);
  /** If central was restored to an older state, everything is read again into this registry, while the old one serves. */
  let resync: { readonly registry: Registry; position: number } | undefined;
  onSites();
  // The last save follows the end of the loop below, because a lifetime ends in reverse order.
  startSaving({ path, central: config.central, registry, position: () => position, log }, lifetime);

  /** @returns the delay before the next request, milliseconds. */
  async function readPage(from: TrackerCentral, abort: AbortSignal): Promise<number> {
    // The first response is requested without a wait: it shows whether central is available.
    const waitS = connected && !resync ? LONG_POLL_S : 0;
    const after = resync?.position ?? position;
    const requestedMs = performance.now();
    const page = await from.fetchChanges(after, waitS, abort);
    if (page.changes.length > 0 && after > 0) failpoint('changes-received');
    connected = true;
    if (page.position < after) {
      log.warn({ ours: after, central: page.position }, 'central was restored to an older state; resyncing');
      resync = { registry: new Registry(), position: 0 };
      return 0;
    }
    if (!apply(page)) return 0;
    if (page.changes.length > 0 && after > 0) failpoint('changes-applied');
    position = page.position;
    if (page.houseNetworks) houseNetworks = page.houseNetworks.flatMap(text => parsePrefix(text) ?? []);
    const isLongPoll = waitS > 0 && performance.now() - requestedMs > IDLE_MS;
    return page.changes.length > 0 || waitS === 0 || isLongPoll ? 0 : IDLE_MS;
  }

  /** @returns false while a resync has more pages to read. */
  function apply(page: ChangePage): boolean {
    (resync?.registry ?? registry).apply(page.changes);
    deps.onPage(page.changes);
    if (resync) {
      resync.position = page.position;
      if (page.more && page.changes.length > 0) return false;
      registry.replaceWith(resync.registry);
      resync = undefined;
      onSites();
    } else if (page.changes.some(change => change.kind === 'site')) onSites();
    return true;
  }

  function retryMs(failures: number): number {
    const status = lastError instanceof Problem ? (lastError.peerStatus ?? lastError.status) : 0;
    if (!central && status >= 400 && status < 500) return REJECTED_RETRY_MS;
    return Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
  }

  const reading = memberLoop({ ...LOOP, peer: () => identity, retryMs, log }, async (_peer, abort) => {
    try {
      const joined = await joining.run(identity);
      if (joined !== identity) {
        identity = joined;
        central = trackerCentralOf(identity, config.central);
      }
      const stuck = joining.problem();
      if (stuck) {
        lastError = stuck;
        return REJECTED_RETRY_MS;
      }
      const delayMs = central ? await readPage(central, abort) : 0;
      lastError = undefined;
      return delayMs;
    } catch (error) {
      connected = false;
      lastError = error;
      throw error;
    }
  });

  lifetime.add('change feed', reading.stop);

  return {
    central: () => central,
    membership: () => identity.membership,
    position: () => position,
    connected: () => connected,
    houseNetworks: () => houseNetworks,
    notReadyReason() {
      if (position > 0 || connected) return undefined;
      const what = central ? 'read the change feed of central' : 'joined central';
      return `This tracker has not ${what} yet${lastError === undefined ? '.' : `: ${messageOf(lastError)}`}`;
    },
  };
}

const createTrackerJoining = ({ config, log }: FeedDeps): Joining =>
  createJoining({
    directory: config.dataDirectory,
    centralUrl: config.central,
    joinToken: config.joinToken,
    role: 'tracker',
    log,
    consequence: 'this tracker has not joined central: no video can be played through it',
  });

interface SavingDeps {
  readonly path: string;
  readonly central: string;
  readonly registry: Registry;
  readonly position: () => number;
  readonly log: Log;
}

/** Writes the snapshot of the registry at intervals, and once more when the lifetime ends. */
function startSaving({ path, central, registry, position, log }: SavingDeps, lifetime: Lifetime): void {
  let savedPosition = position();
  const save = async (): Promise<void> => {
    const at = position();
    if (at === savedPosition) return;
    try {
      await writeSnapshot(path, central, at, registry);
      savedPosition = at;
    } catch (error) {
      log.warn({ path, reason: messageOf(error) }, 'could not write the snapshot');
    }
  };
  const saving = repeat(async () => {
    const startedMs = performance.now();
    await save();
    return Math.max(SNAPSHOT_EVERY_MS, (performance.now() - startedMs) / SNAPSHOT_TIME_SHARE);
  });
  lifetime.add('registry snapshot', async () => {
    await saving.stop();
    await save();
  });
}
