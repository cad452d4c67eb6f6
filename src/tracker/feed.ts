/**
 * Follows central's change feed. Asking for what follows a position says that everything up to it is registered, so each
 * page is applied before the next is asked for.
 */
import { join } from 'node:path';
import { call } from '../kernel/client.ts';
import type { Log } from '../kernel/log.ts';
import { joinCentral, type MemberIdentity, signerOf } from '../kernel/member.ts';
import { messageOf } from '../kernel/problem.ts';
import { repeat } from '../kernel/timing.ts';
import { changePageSchema } from '../protocol/central.ts';
import type { TrackerConfig } from './config.ts';
import type { Registry } from './registry.ts';
import { readSnapshot, writeSnapshot } from './snapshot.ts';

const PAGE = 1_000;
const WAIT_S = 25;
const TIMEOUT_MS = (WAIT_S + 10) * 1_000;
const MAX_PAGE_BYTES = 32 * 2 ** 20;
const RETRY_MS = 500;
const SNAPSHOT_EVERY_MS = 5_000;

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
  log: Log,
): Promise<Feed> {
  const path = join(config.dataDirectory, 'registry.jsonl');
  let identity = initial;
  let position = await readSnapshot(path, config.central, registry, log);
  let savedPosition = position;
  let connected = false;
  onSites();

  async function readPage(signal: AbortSignal): Promise<number> {
    const { key, membership } = identity;
    if (!membership) {
      if (!config.joinToken) throw new Error('no joinToken is configured; make one on the admin page');
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
    const wait = connected ? WAIT_S : 0;
    const page = await call(`${config.central}/api/changes?after=${position}&limit=${PAGE}&wait=${wait}`, {
      signer: signerOf(key, membership),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_PAGE_BYTES,
      signal,
      answer: changePageSchema,
    });
    connected = true;
    if (page.position < position) {
      log.warn({ ours: position, central: page.position }, 'central went back in time; all is read again');
      registry.clear();
      position = 0;
      onSites();
      return 0;
    }
    registry.apply(page.changes);
    position = page.position;
    if (page.changes.some(change => change.kind === 'site')) onSites();
    return 0;
  }

  const reading = repeat(async signal => {
    try {
      return await readPage(signal);
    } catch (error) {
      if (!signal.aborted) log.warn({ reason: messageOf(error) }, 'the change feed was not read');
      connected = false;
      return RETRY_MS;
    }
  });
  const save = async (): Promise<void> => {
    if (position === savedPosition) return;
    const at = position;
    await writeSnapshot(path, config.central, at, registry);
    savedPosition = at;
  };
  const saving = repeat(async () => {
    await save().catch(error => log.warn({ reason: messageOf(error) }, 'the snapshot was not written'));
    return SNAPSHOT_EVERY_MS;
  });

  return {
    identity: () => identity,
    position: () => position,
    connected: () => connected,
    missing: () =>
      position > 0 || connected ? undefined : 'This tracker has not read the change feed of central yet.',
    async stop() {
      await Promise.all([reading.stop(), saving.stop()]);
      await save();
    },
  };
}
