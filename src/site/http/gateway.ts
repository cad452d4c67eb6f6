/** The gateway, through which only central, by its signature, reads the database of this site. */
import * as z from 'zod';
import { failpoint } from '../../kernel/failpoint.ts';
import { formatLongList } from '../../kernel/http/json-list-writer.ts';
import { authorityOf, type NamedPart, ownAuthorities } from '../../kernel/http/own-names.ts';
import type { HttpServer } from '../../kernel/http/server.ts';
import { setRawSerializer } from '../../kernel/http/server.ts';
import { RejectedSignature, requireSigner } from '../../kernel/http/signed-requests.ts';
import type { NonceMemory } from '../../kernel/identity/signatures.ts';
import type { MemberIdentity } from '../../kernel/membership/member.ts';
import { problem } from '../../kernel/problem.ts';
import { CENTRAL_KEY_ID, type SiteId } from '../../protocol/base/ids.ts';
import { MAX_RECORD_PAGE_BYTES, MAX_RECORD_PAGE_ROWS } from '../../protocol/base/limits.ts';
import { linkAuthority } from '../../protocol/link.ts';
import type { Epoch } from '../../protocol/publication/epoch.ts';
import {
  type Acknowledgement,
  type PublishedDigest,
  publishedDigestSchema,
  publishedRequestSchema,
  publishedResponseSchema,
  type RecordPage,
  recordPageSchema,
} from '../../protocol/publication/gateway.ts';
import { epochOf } from '../../protocol/publication/site-tables.ts';
import { listUnpublished, markPublished, readRecord, sumPublished } from '../database/publication/records.ts';
import type { SignalRow } from '../database/tables/schema.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';

const DIGEST_ATTEMPTS = 3;

/** The operations that central may perform on the database, over HTTP or the link. Every call rejects with a Problem. */
export interface Gateway {
  readRecords(limit: number): Promise<RecordPage>;
  acknowledge(epoch: Epoch, published: readonly Acknowledgement[]): Promise<{ readonly matched: number }>;
  readDigest(): Promise<PublishedDigest>;
}

export function createGateway(db: SiteDatabase, onPublished: () => void): Gateway {
  return {
    async readRecords(limit) {
      const { signal, rows, more } = await listUnpublished(db, limit, MAX_RECORD_PAGE_BYTES);
      const records = rows.map(row => ({
        record: readRecord(row),
        hash: row.hash,
      }));
      if (records.length > 0) failpoint('records-read');
      return { ...requireEpoch(signal), records, more };
    },
    async acknowledge(epoch, published) {
      failpoint('acknowledgement-received');
      const matched = await markPublished(db, epoch, published);
      failpoint('acknowledgement-committed');
      if (matched === undefined) {
        throw problem(
          'epoch-mismatch',
          `This acknowledgement is for epoch ${epoch.number}, which has ended at this site.`,
        );
      }
      onPublished();
      return { matched };
    },
    async readDigest() {
      for (let attempt = 1; attempt <= DIGEST_ATTEMPTS; attempt++) {
        const sum = await sumPublished(db);
        if (!sum) continue;
        const { signal, unpublished, records, digest } = sum;
        return { ...requireEpoch(signal), unpublished, records, digest };
      }
      throw problem('site-busy', 'Records are being written continuously. Try again later.');
    },
  };
}

function requireEpoch(signal: SignalRow): { readonly site: SiteId; readonly epoch: Epoch } {
  const epoch = epochOf(signal);
  if (!epoch || signal.site === null) {
    throw problem('handshake-pending');
  }
  return { site: signal.site, epoch };
}

/** Called when a request signed by central was refused, because it was replayed or a clock is wrong. */
export type OnRefused = (code: string, detail: string) => void;

export interface CentralOnlyDeps {
  readonly identity: () => MemberIdentity;
  /** The names at which central calls this site. */
  readonly names: NamedPart;
  readonly nonces: NonceMemory;
  readonly onRefused?: OnRefused;
}

/** Returns a check that central has signed a request. It throws a Problem if not. */
export function requireCentralOf({
  identity,
  names,
  nonces,
  onRefused = () => {},
}: CentralOnlyDeps): (request: Parameters<typeof requireSigner>[0]) => Promise<void> {
  return async request => {
    const { membership } = identity();
    if (!membership) throw problem('not-joined', 'This site has not joined central yet.');
    const authorities = () => [
      ...ownAuthorities(names),
      authorityOf(membership.baseUrl),
      linkAuthority(membership.id),
    ];
    const findKey = async (keyId: string) =>
      keyId === CENTRAL_KEY_ID ? membership.centralPublicKey : undefined;
    try {
      await requireSigner(request, findKey, { nonces, authorities });
    } catch (error) {
      if (error instanceof RejectedSignature && error.signer) onRefused(error.code, error.message);
      throw error;
    }
  };
}

export interface GatewayDeps extends CentralOnlyDeps {
  readonly gateway: Gateway;
}

export function serveGateway(app: HttpServer, { gateway, ...deps }: GatewayDeps): void {
  const requireCentral = requireCentralOf(deps);

  app.get(
    '/gateway/records',
    {
      schema: {
        description: 'Lists the oldest unpublished records (central only, signed).',
        querystring: z.object({
          limit: z.coerce.number().int().min(1).max(MAX_RECORD_PAGE_ROWS).default(MAX_RECORD_PAGE_ROWS),
        }),
        response: { 200: recordPageSchema },
      },
    },
    async (request, reply) => {
      await requireCentral(request);
      // The records were checked when they were written, so they are not checked again here.
      setRawSerializer(reply, ({ records, ...head }: RecordPage) => formatLongList(head, 'records', records));
      return gateway.readRecords(request.query.limit);
    },
  );

  app.post(
    '/gateway/published',
    {
      // 500 acknowledgements are larger than the default limit.
      bodyLimit: MAX_RECORD_PAGE_BYTES,
      onRequest: requireCentral,
      schema: {
        description: 'Acknowledges records by id, version and hash (central only, signed).',
        body: publishedRequestSchema,
        response: { 200: publishedResponseSchema },
      },
    },
    async request => {
      await requireCentral(request);
      return gateway.acknowledge(request.body.epoch, request.body.published);
    },
  );

  app.get(
    '/gateway/digest',
    {
      schema: {
        description: 'Returns the digest of all published records (central only, signed).',
        response: { 200: publishedDigestSchema },
      },
    },
    async request => {
      await requireCentral(request);
      return gateway.readDigest();
    },
  );
}
