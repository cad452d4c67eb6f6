/** What a site asks of central to publish. One adapter speaks HTTP; the simulation has another. */
import * as z from 'zod';
import { call } from '../../kernel/http/client.ts';
import type { MemberIdentity } from '../../kernel/identity/member.ts';
import { signerOf } from '../../kernel/identity/member.ts';
import { problem } from '../../kernel/problem.ts';
import { registrationAnswerSchema, signalAnswerSchema } from '../../protocol/central.ts';
import { type AssignmentFeed, assignmentFeedSchema } from '../../protocol/copies.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { MAX_RECORD_PAGE_BYTES } from '../../protocol/limits.ts';
import type { Epoch } from '../../protocol/publication/epoch.ts';
import type { RecordEntry } from '../../protocol/publication/gateway.ts';
import {
  type HandshakeRequest,
  type HandshakeResponse,
  type HeldPage,
  handshakeResponseSchema,
  heldPageSchema,
  restoreResponseSchema,
} from '../../protocol/publication/handshake.ts';
import { type WithdrawalFeed, withdrawalFeedSchema } from '../../protocol/publication/withdrawals.ts';

const TIMEOUT_MS = 10_000;
const WITHDRAWAL_WAIT_S = 25;
const MAX_SMALL_ANSWER_BYTES = 256 * 1024;

export interface CentralCalls {
  /** This site’s id, once it has joined. */
  readonly site: () => string | undefined;
  greet(greeting: HandshakeRequest, signal: AbortSignal): Promise<HandshakeResponse>;
  listHeld(epoch: Epoch, after: VideoId | undefined, signal: AbortSignal): Promise<HeldPage>;
  fetchRecords(
    epoch: Epoch,
    videos: readonly VideoId[],
    signal: AbortSignal,
  ): Promise<readonly RecordEntry[]>;
  /** Once it returns, central has stored the signal. It says which epoch central takes records of. */
  sendSignal(signal: AbortSignal): Promise<Epoch | undefined>;
  /** Answers as soon as something was withdrawn after this position, or after a while with nothing. */
  awaitWithdrawals(after: number, signal: AbortSignal): Promise<WithdrawalFeed>;
  /** Answers as soon as something has changed of what this site is to hold, or after a while with nothing. */
  awaitAssignments(after: number, mayWait: boolean, signal: AbortSignal): Promise<AssignmentFeed>;
  listRegistered(
    videos: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly { readonly video: VideoId; readonly version: number }[]>;
}

const REFUSALS_ONCE_IN_MS = 60_000;

/** Tells central what this site refused although central had signed it, once a minute for each reason. */
export function refusalReporter(identity: () => MemberIdentity): (code: string, detail: string) => void {
  const told = new Map<string, number>();
  return (code, detail) => {
    const { key, membership } = identity();
    if (!membership || (told.get(code) ?? 0) > Date.now() - REFUSALS_ONCE_IN_MS) return;
    told.set(code, Date.now());
    call(`${membership.centralUrl}/api/refusals`, {
      method: 'POST',
      body: { code, detail },
      signer: signerOf(key, membership),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_SMALL_ANSWER_BYTES,
      response: z.unknown(),
    }).catch(() => told.delete(code));
  };
}

export function centralOverHttp(identity: () => MemberIdentity): CentralCalls {
  const to = (signal: AbortSignal) => {
    const { key, membership } = identity();
    if (!membership) throw problem('not-joined', 'This site has not joined a centre yet.');
    return {
      url: membership.centralUrl,
      bounds: {
        method: 'POST' as const,
        signer: signerOf(key, membership),
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_SMALL_ANSWER_BYTES,
        signal,
      },
    };
  };
  return {
    site: () => identity().membership?.id,
    greet(body, signal) {
      const { url, bounds } = to(signal);
      return call(`${url}/api/handshakes`, { ...bounds, body, response: handshakeResponseSchema });
    },
    listHeld(epoch, after, signal) {
      const { url, bounds } = to(signal);
      return call(`${url}/api/handshakes/held`, {
        ...bounds,
        body: { epoch, after },
        maxBytes: 2 * MAX_RECORD_PAGE_BYTES,
        response: heldPageSchema,
      });
    },
    async fetchRecords(epoch, videos, signal) {
      const { url, bounds } = to(signal);
      const { records } = await call(`${url}/api/handshakes/records`, {
        ...bounds,
        body: { epoch, videos },
        maxBytes: 4 * MAX_RECORD_PAGE_BYTES,
        response: restoreResponseSchema,
      });
      return records;
    },
    async sendSignal(signal) {
      const { url, bounds } = to(signal);
      return (await call(`${url}/api/signals`, { ...bounds, response: signalAnswerSchema })).epoch;
    },
    awaitWithdrawals(after, signal) {
      const { url, bounds } = to(signal);
      return call(`${url}/api/withdrawals/feed?after=${after}&wait=${WITHDRAWAL_WAIT_S}`, {
        ...bounds,
        method: 'GET',
        timeoutMs: (WITHDRAWAL_WAIT_S + 10) * 1_000,
        response: withdrawalFeedSchema,
      });
    },
    awaitAssignments(after, mayWait, signal) {
      const { url, bounds } = to(signal);
      return call(`${url}/api/assignments?after=${after}&wait=${mayWait ? WITHDRAWAL_WAIT_S : 0}`, {
        ...bounds,
        method: 'GET',
        timeoutMs: (WITHDRAWAL_WAIT_S + 10) * 1_000,
        response: assignmentFeedSchema,
      });
    },
    async listRegistered(videos, signal) {
      const { url, bounds } = to(signal);
      const { registered } = await call(`${url}/api/registrations/query`, {
        ...bounds,
        body: { videos },
        response: registrationAnswerSchema,
      });
      return registered;
    },
  };
}
