/**
 * The signal: "I have something new". Sent at once when a record is written, and again on the patent's timer for as long
 * as the flag says "not sent" (mission, requirement 7). Also asks which records a tracker has registered.
 */
import { call } from '../../kernel/client.ts';
import type { Log } from '../../kernel/log.ts';
import type { MemberIdentity } from '../../kernel/member.ts';
import { signerOf } from '../../kernel/member.ts';
import { messageOf } from '../../kernel/problem.ts';
import { type Repeating, repeat } from '../../kernel/timing.ts';
import { registrationAnswerSchema, signalAnswerSchema } from '../../protocol/central.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { listUnregistered, markRegistered, markSignalled, readSignal } from '../database/records.ts';
import type { SiteDatabase } from '../database/videos.ts';

const SIGNAL_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 256 * 1024;
const QUERY_PAGE = 500;
/** A fresh record is asked after often, an old one seldom. */
const QUERY_FIRST_MS = 200;
const QUERY_LAST_MS = 10_000;

export interface SignalOptions {
  readonly db: SiteDatabase;
  readonly identity: () => MemberIdentity;
  readonly intervalMs: number;
  readonly log: Log;
}

export function startSignals(options: SignalOptions): Repeating {
  const { db, log, intervalMs } = options;
  return repeat(async signal => {
    const { key, membership } = options.identity();
    if (!membership) return intervalMs;
    try {
      const { flag, version } = await readSignal(db);
      if (flag === 'sent') return intervalMs;
      await call(`${membership.centralUrl}/api/signals`, {
        method: 'POST',
        signer: signerOf(key, membership),
        timeoutMs: SIGNAL_TIMEOUT_MS,
        maxBytes: MAX_ANSWER_BYTES,
        signal,
        answer: signalAnswerSchema,
      });
      await markSignalled(db, Number(version));
      return 0;
    } catch (error) {
      if (!signal.aborted) log.warn({ reason: messageOf(error) }, 'signal not sent; it will be tried again');
      return intervalMs;
    }
  });
}

export function startRegistrationWatch(options: SignalOptions): Repeating {
  const { db, log } = options;
  return repeat(async signal => {
    const { key, membership } = options.identity();
    if (!membership) return QUERY_LAST_MS;
    try {
      const rows = await listUnregistered(db, QUERY_PAGE);
      const [oldest] = rows;
      if (!oldest) return QUERY_LAST_MS;
      const { registered } = await call(`${membership.centralUrl}/api/registrations/query`, {
        method: 'POST',
        body: { videos: rows.map(row => row.video_id) },
        signer: signerOf(key, membership),
        timeoutMs: SIGNAL_TIMEOUT_MS,
        maxBytes: MAX_ANSWER_BYTES,
        signal,
        answer: registrationAnswerSchema,
      });
      for (const { video, version } of registered) await markRegistered(db, video as VideoId, version);
      const youngest = Math.max(...rows.map(row => Date.parse(row.written_at)));
      return Math.min(QUERY_LAST_MS, Math.max(QUERY_FIRST_MS, (Date.now() - youngest) / 10));
    } catch (error) {
      if (!signal.aborted) log.debug({ reason: messageOf(error) }, 'registrations not read');
      return QUERY_LAST_MS;
    }
  });
}
