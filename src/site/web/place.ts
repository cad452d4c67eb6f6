/** What a site says of itself: to the studio page, and to the trackers' probes. */
import { z } from 'zod';
import { allowAnyOrigin, type HttpServer, hasToken } from '../../kernel/http.ts';
import type { MemberIdentity } from '../../kernel/member.ts';
import type { SiteId } from '../../protocol/ids.ts';
import { type SiteInfo, siteInfoSchema, siteProbeSchema } from '../../protocol/site.ts';
import type { SiteConfig } from '../config.ts';
import { countUnpublished } from '../database/records.ts';
import { readSignal } from '../database/signal.ts';
import type { SiteDatabase } from '../database/videos.ts';
import { isTrusted } from './access.ts';

export interface PlaceOptions {
  readonly db: SiteDatabase;
  readonly config: SiteConfig;
  readonly identity: () => MemberIdentity;
  /** For the next upload. */
  readonly freeBytes: () => number;
  /** Absent where there is no ffmpeg. */
  readonly conversion: SiteInfo['conversion'];
  readonly load: () => SiteLoad;
}

export interface SiteLoad {
  readonly activeResponses: number;
  /** On the wire, since the start. */
  readonly egressBytes: number;
  readonly egressLimitBps: number | undefined;
  readonly servesViewers: boolean;
}

export function servePlace(app: HttpServer, options: PlaceOptions): void {
  const { config, db } = options;
  app.get(
    '/api/site',
    {
      schema: {
        description: 'What the studio page says about this site.',
        response: { 200: siteInfoSchema },
      },
    },
    async request => {
      const { membership } = options.identity();
      const isKnown =
        hasToken(request.headers.authorization, config.operatorToken) || isTrusted(request.raw, config);
      return {
        ...(membership ? { id: membership.id as SiteId } : {}),
        name: config.name,
        baseUrl: config.baseUrl,
        ...(config.central ? { centralUrl: config.central } : {}),
        joined: membership !== undefined,
        tokenNeeded: !isKnown,
        maxUploadBytes: config.maxUpload,
        freeBytes: options.freeBytes(),
        signal: (await readSignal(db)).flag,
        unpublished: await countUnpublished(db),
        // How well this machine is guarded is the operator's to know.
        ...(isKnown && options.conversion ? { conversion: options.conversion } : {}),
      };
    },
  );

  const egress = createRateMeter(() => options.load().egressBytes);
  app.get(
    '/probe',
    {
      schema: {
        description: "A tracker's question: are you there, and how busy?",
        querystring: z.object({ nonce: z.string().max(64).default('') }),
        response: { 200: siteProbeSchema },
      },
    },
    async (request, reply) => {
      allowAnyOrigin(reply);
      reply.header('cache-control', 'no-store');
      const { membership } = options.identity();
      const { activeResponses, egressLimitBps, servesViewers } = options.load();
      return {
        ...(membership ? { site: membership.id as SiteId } : {}),
        nonce: request.query.nonce,
        activeResponses,
        egressBps: egress(),
        ...(egressLimitBps === undefined ? {} : { egressLimitBps }),
        ...(servesViewers ? {} : { servesViewers }),
      };
    },
  );
}

/** Bits per second of a growing byte count, over the last second or so. */
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
