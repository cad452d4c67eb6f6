/** Responses to the probes of trackers, and sample bytes for players that measure the throughput to this site. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import * as z from 'zod';
import { allowAnyOrigin, READ, servePreflight } from '../../kernel/http/cross-origin.ts';
import type { HttpServer } from '../../kernel/http/server.ts';
import { Problem } from '../../kernel/problem.ts';
import type { SiteId } from '../../protocol/base/ids.ts';
import { siteProbeSchema } from '../../protocol/site.ts';

export interface SiteLoad {
  readonly activeResponses: number;
  /** Bytes sent since the start. */
  readonly egressBytes: number;
  readonly egressLimitBps: number | undefined;
  readonly servesViewers: boolean;
}

/** Accounts for a response that uses the uplink. @returns why it may not be sent now, or the function to call when it was sent */
export type AdmitSample = (socket: Socket, bytes: number) => Problem | (() => void);

/** Without a buffer in this process, there is no uplink to account for. */
const admitAll: AdmitSample = () => () => {};

export function serveProbe(
  app: HttpServer,
  siteId: () => SiteId | undefined,
  load: () => SiteLoad,
  admit: AdmitSample = admitAll,
): void {
  for (const path of ['/sample', '/probe']) servePreflight(app, path, READ);
  app.get(
    '/sample',
    {
      schema: {
        description:
          'Returns this number of bytes, for a player that measures the throughput to this site before it switches.',
        querystring: z.object({ bytes: z.coerce.number().int().min(1).max(MAX_SAMPLE_BYTES).default(1) }),
      },
    },
    async (request, reply) => {
      allowAnyOrigin(reply);
      const sent = admit(request.socket, request.method === 'HEAD' ? 0 : request.query.bytes);
      if (sent instanceof Problem) throw sent;
      reply.raw.once('close', sent);
      return reply
        .headers({ 'cache-control': 'no-store', 'content-type': 'application/octet-stream' })
        .send(sampleBytes.subarray(0, request.query.bytes));
    },
  );

  const egress = createRateMeter(() => load().egressBytes);
  app.get(
    '/probe',
    {
      schema: {
        description: 'Returns the load of this site, for trackers.',
        querystring: z.object({ nonce: z.string().max(64).default('') }),
        response: { 200: siteProbeSchema },
      },
    },
    async (request, reply) => {
      allowAnyOrigin(reply);
      reply.header('cache-control', 'no-store');
      const site = siteId();
      const { activeResponses, egressLimitBps, servesViewers } = load();
      return {
        ...(site === undefined ? {} : { site }),
        nonce: request.query.nonce,
        activeResponses,
        egressBps: egress(),
        ...(egressLimitBps === undefined ? {} : { egressLimitBps }),
        ...(servesViewers ? {} : { servesViewers }),
      };
    },
  );
}

/** Random bytes, which cannot be compressed in transit. */
const MAX_SAMPLE_BYTES = 262_144;
const sampleBytes = randomBytes(MAX_SAMPLE_BYTES);

/** Measures the rate of a growing byte count over about the last second, in bits per second. */
function createRateMeter(read: () => number): () => number {
  let before = { bytes: read(), atMs: Date.now() };
  let rateBps = 0;
  return () => {
    const bytes = read();
    const elapsedMs = Date.now() - before.atMs;
    if (elapsedMs >= 1_000) {
      rateBps = Math.round(((bytes - before.bytes) * 8_000) / elapsedMs);
      before = { bytes, atMs: Date.now() };
    }
    return rateBps;
  };
}
