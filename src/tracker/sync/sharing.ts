/**
 * Shares with the other trackers, through central, what viewers measured and the key of sessions, so that a viewer may ask any of
 * them. A central that is away changes nothing here.
 */
import { join } from 'node:path';
import { writeDurably } from '../../kernel/files.ts';
import { call } from '../../kernel/http/client.ts';
import { type MemberIdentity, signerOf } from '../../kernel/identity/member.ts';
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { MAX_SUMMARIES, peerMeasurementsResponseSchema } from '../../protocol/peer-measurements.ts';
import type { Sessions } from '../client/sessions.ts';
import type { TrackerConfig } from '../config.ts';
import type { NetworkMemory } from '../memory/network-memory.ts';
import type { Learning } from '../reports/report-ingestion.ts';

const EVERY_MS = 5_000;
const TIMEOUT_MS = 5_000;
/** 20 times 500 summaries. */
const MAX_ANSWER_BYTES = 4 * 2 ** 20;

export interface SharingMeans {
  readonly config: Pick<TrackerConfig, 'central' | 'dataDirectory'>;
  readonly identity: () => MemberIdentity;
  readonly memory: NetworkMemory;
  readonly learning: Pick<Learning, 'heard'>;
  readonly sessions: Sessions;
  readonly log: Log;
}

export const sessionKeyPath = (dataDirectory: string): string => join(dataDirectory, 'session.key');

export function startSharing(means: SharingMeans): Repeating {
  const { config, identity, memory, learning, sessions, log } = means;
  let after = '';
  let toldMs = 0;
  let sessionKey: string | undefined;
  return repeat(async signal => {
    const { key, membership } = identity();
    if (!membership) return EVERY_MS;
    const nowMs = Date.now();
    try {
      const answer = await call(`${config.central}/api/peer-measurements`, {
        method: 'POST',
        body: { after, summaries: [...memory.summaries(toldMs, nowMs, MAX_SUMMARIES)] },
        signer: signerOf(key, membership),
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_ANSWER_BYTES,
        abort: signal,
        response: peerMeasurementsResponseSchema,
      });
      toldMs = nowMs;
      after = answer.after;
      for (const { tracker, ageMs, summaries } of answer.peers) {
        const aged = summaries.map(each => ({
          ...each,
          ageMs: each.ageMs + ageMs,
          failedAgoMs: each.failedAgoMs === undefined ? undefined : each.failedAgoMs + ageMs,
        }));
        memory.absorb(tracker, aged, nowMs);
        for (const summary of aged) learning.heard(summary, nowMs);
      }
      if (answer.sessionKey !== sessionKey) {
        sessionKey = answer.sessionKey;
        sessions.share(Buffer.from(sessionKey, 'base64url'));
        // After a restart it is the key from the start, also while central is away.
        await writeDurably(sessionKeyPath(config.dataDirectory), sessionKey, 0o600);
      }
      return answer.more ? 0 : EVERY_MS;
    } catch (error) {
      if (!signal.aborted) log.debug({ reason: messageOf(error) }, 'nothing was shared with other trackers');
      return EVERY_MS;
    }
  });
}
