/** The gateway: the site database as central reads it. Central alone, by its signature. */

import { z } from 'zod';
import type { HttpServer } from '../../kernel/http.ts';
import { requireSigner } from '../../kernel/http.ts';
import type { MemberIdentity } from '../../kernel/member.ts';
import { Problem } from '../../kernel/problem.ts';
import { NonceMemory } from '../../kernel/signatures.ts';
import {
  publishedAnswerSchema,
  publishedRequestSchema,
  type RecordPage,
  recordPageSchema,
} from '../../protocol/gateway.ts';
import type { SiteId } from '../../protocol/ids.ts';
import { MAX_RECORD_PAGE_BYTES, MAX_RECORD_PAGE_ROWS } from '../../protocol/limits.ts';
import { listUnpublished, markPublished } from '../database/records.ts';
import type { SiteDatabase } from '../database/videos.ts';

export interface GatewayOptions {
  readonly db: SiteDatabase;
  readonly identity: () => MemberIdentity;
  /** Records were marked published: there is something to ask the centre about. */
  readonly onPublished: () => void;
}

export function serveGateway(app: HttpServer, options: GatewayOptions): void {
  const nonces = new NonceMemory();
  const membershipNow = () => {
    const { membership } = options.identity();
    if (!membership) throw new Problem(503, 'not-joined', 'This site has not joined a centre yet.');
    return membership;
  };
  const findKey = async (keyId: string) =>
    keyId === 'central' ? membershipNow().centralPublicKey : undefined;

  app.get(
    '/gateway/records',
    {
      schema: {
        description: 'The oldest unpublished records (central only, signed).',
        querystring: z.object({
          limit: z.coerce.number().int().min(1).max(MAX_RECORD_PAGE_ROWS).default(MAX_RECORD_PAGE_ROWS),
        }),
        response: { 200: recordPageSchema },
      },
    },
    async request => {
      const { id } = membershipNow();
      await requireSigner(request, findKey, nonces);
      const { rows, more } = await listUnpublished(options.db, request.query.limit, MAX_RECORD_PAGE_BYTES);
      const records = rows.map(row => ({
        record: JSON.parse(row.body) as RecordPage['records'][number]['record'],
        hash: row.hash,
      }));
      return { site: id as SiteId, records, more };
    },
  );

  app.post(
    '/gateway/published',
    {
      // 500 acknowledgements are longer than other bodies may be.
      bodyLimit: MAX_RECORD_PAGE_BYTES,
      schema: {
        description: 'Acknowledges records by id, version and hash (central only, signed).',
        body: publishedRequestSchema,
        response: { 200: publishedAnswerSchema },
      },
    },
    async request => {
      await requireSigner(request, findKey, nonces);
      const matched = await markPublished(options.db, request.body.published);
      options.onPublished();
      return { matched };
    },
  );
}
