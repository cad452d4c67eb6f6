/**
 * Follows central's change feed. Asking for what follows a position says that everything up to it is registered, so each
 * page is applied before the next is asked for.
 */
import { join } from 'node:path';
import { failpoint } from '../../kernel/failpoint.ts';
import { call } from '../../kernel/http/client.ts';
import { joinCentral, type MemberIdentity, signerOf } from '../../kernel/identity/member.ts';
import { repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf, Problem, problem } from '../../kernel/problem.ts';
import { type Change, changePageSchema } from '../../protocol/central.ts';
import type { TrackerConfig } from '../config.ts';
import { Registry } from '../registry/registry.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';

const PAGE = 1_000;
const WAIT_S = 25;
const TIMEOUT_MS = (WAIT_S + 10) * 1_000;
const MAX_PAGE_BYTES = 32 * 2 ** 20;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;
/** A join token that central refuses will hardly become good, and asking more often looks like guessing. */
const REFUSED_RETRY_MS = 15_000;
/** A central that does not hold an empty answer back must not be asked in a circle. */
const IDLE_MS = 500;
const SNAPSHOT_EVERY_MS = 5_000;
/** A large registry takes seconds to write (1 million videos: 7 s): it is written this share of the time at most. */
const SNAPSHOT_TIME_SHARE = 0.1;

export interface Feed {
  readonly identity: () => MemberIdentity;
  readonly position: () => number;
  /** Central answered last time. */
  readonly connected: () => boolean;
  /** A sentence where there is nothing to serve from yet. */
  readonly missing: () => string | undefined;
  stop(): Promise<void>;
}

export async function followFeed(
  config: TrackerConfig,
  initial: MemberIdentity,
  registry: Registry,
  onSites: () => void,
  onPage: (changes: readonly Change[]) => void,
  log: Log,
): Promise<Feed> {
  const path = join(config.dataDirectory, 'registry.snapshot');
  let identity = initial;
  let position = await readSnapshot(path, config.central, registry, log);
  let savedPosition = position;
  let connected = false;
  let retryMs = FIRST_RETRY_MS;
  let lastFailure: string | undefined;
  /** Where central has gone back in time, all is read again into here; what was known before answers meanwhile. */
  let anew: { readonly registry: Registry; position: number } | undefined;
  onSites();

  async function readPage(signal: AbortSignal): Promise<number> {
    const { key, membership } = identity;
    if (!membership) {
      if (!config.joinToken)
        throw problem('join-token-missing', 'no joinToken is configured; make one on the admin page');
      const joined = await joinCentral(
        config.dataDirectory,
        key,
        config.central,
        config.joinToken,
        'tracker',
      );
      identity = { key, membership: joined };
      log.info({ tracker: joined.id }, 'joined');
      return 0;
    }
    // Until it has answered once, an answer is wanted at once: it says that central is there.
    const wait = connected && !anew ? WAIT_S : 0;
    const after = anew?.position ?? position;
    const askedMs = performance.now();
    const url = `${config.central}/api/changes?after=${after}&limit=${PAGE}&wait=${wait}`;
    const page = await call(url, {
      signer: signerOf(key, membership),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_PAGE_BYTES,
      abort: signal,
      response: changePageSchema,
    });
    if (page.changes.length > 0 && after > 0) failpoint('changes-received');
    connected = true;
    retryMs = FIRST_RETRY_MS;
    lastFailure = undefined;
    if (page.position < after) {
      log.warn({ ours: after, central: page.position }, 'central went back in time; all is read again');
      anew = { registry: new Registry(), position: 0 };
      return 0;
    }
    (anew?.registry ?? registry).apply(page.changes);
    onPage(page.changes);
    if (anew) {
      anew.position = page.position;
      if (page.more && page.changes.length > 0) return 0;
      registry.replaceWith(anew.registry);
      anew = undefined;
      onSites();
    } else if (page.changes.some(change => change.kind === 'site')) onSites();
    if (page.changes.length > 0 && after > 0) failpoint('changes-applied');
    position = page.position;
    return page.changes.length > 0 || wait === 0 || performance.now() - askedMs > IDLE_MS ? 0 : IDLE_MS;
  }

  const reading = repeat(async signal => {
    try {
      return await readPage(signal);
    } catch (error) {
      connected = false;
      if (signal.aborted) return 0;
      const reason = messageOf(error);
      if (reason !== lastFailure) log.warn({ reason }, 'the change feed was not read');
      lastFailure = reason;
      const status = error instanceof Problem ? (error.peerStatus ?? error.status) : 0;
      const isRefused = status >= 400 && status < 500;
      if (isRefused && !identity.membership) return REFUSED_RETRY_MS;
      const delayMs = retryMs * (0.5 + Math.random() / 2);
      retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
      return delayMs;
    }
  });
  const save = async (): Promise<void> => {
    if (position === savedPosition) return;
    const at = position;
    await writeSnapshot(path, config.central, at, registry);
    savedPosition = at;
  };
  const saving = repeat(async () => {
    const startedMs = performance.now();
    await save().catch(error => log.warn({ reason: messageOf(error) }, 'the snapshot was not written'));
    return Math.max(SNAPSHOT_EVERY_MS, (performance.now() - startedMs) / SNAPSHOT_TIME_SHARE);
  });

  return {
    identity: () => identity,
    position: () => position,
    connected: () => connected,
    missing() {
      if (position > 0 || connected) return undefined;
      const what = identity.membership ? 'read the change feed of central' : 'joined central';
      return `This tracker has not ${what} yet${lastFailure ? `: ${lastFailure}` : '.'}`;
    },
    async stop() {
      await Promise.all([reading.stop(), saving.stop()]);
      await save().catch(error => log.warn({ reason: messageOf(error) }, 'the snapshot was not written'));
    },
  };
}
