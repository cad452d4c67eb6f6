/** The calls of a site to central. This client sends them over HTTP; the simulation implements the same interface. */
import * as z from 'zod';
import { type CentralClient, centralClientOf } from '../../kernel/membership/central-client.ts';
import type { MemberIdentity } from '../../kernel/membership/member.ts';
import { Problem } from '../../kernel/problem.ts';
import { revisionIdSchema, type SiteId, type VideoId, videoIdSchema } from '../../protocol/base/ids.ts';
import { MAX_RECORD_PAGE_BYTES } from '../../protocol/base/limits.ts';
import {
  memberInfoSchema,
  registrationResponseSchema,
  signalResponseSchema,
} from '../../protocol/central.ts';
import { type AssignmentFeed, assignmentFeedSchema, type StorageReport } from '../../protocol/copies.ts';
import {
  LINK_RESPONSE_TYPE,
  LINK_WAIT_S,
  type LinkRequest,
  linkRequestsSchema,
} from '../../protocol/link.ts';
import { picturesSchema } from '../../protocol/media/media.ts';
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

/** For how long central may hold a request for news. */
const FEED_WAIT_S = 25;
const LINK_RESPONSE_TIMEOUT_MS = 30_000;
const MAX_LINK_BYTES = 4 * 2 ** 20;

/** The part of a catalogue entry that a site stores. Members that a newer central adds are ignored. */
const catalogueEntrySchema = z.object({
  id: videoIdSchema,
  revision: revisionIdSchema,
  name: z.string().max(1_000),
  description: z.string().max(20_000),
  durationMs: z.int().positive(),
  pictures: picturesSchema.optional(),
});
export type CatalogueEntry = z.infer<typeof catalogueEntrySchema>;
export type MemberInfo = z.infer<typeof memberInfoSchema>;

/** Central as a joined site sees it. Every call rejects with a Problem. */
export interface Central {
  /** The id of this site. */
  readonly site: SiteId;
  handshake(request: HandshakeRequest, abort: AbortSignal): Promise<HandshakeResponse>;
  listHeld(epoch: Epoch, after: VideoId | undefined, abort: AbortSignal): Promise<HeldPage>;
  fetchRecords(epoch: Epoch, videos: readonly VideoId[], abort: AbortSignal): Promise<readonly RecordEntry[]>;
  /** Resolves after central has stored the signal, with the epoch of which central accepts records. */
  sendSignal(abort: AbortSignal): Promise<Epoch | undefined>;
  fetchMemberInfo(abort: AbortSignal): Promise<MemberInfo>;
  /** Resolves as soon as a video was withdrawn after this position, or after a while with none. */
  awaitWithdrawals(after: number, abort: AbortSignal): Promise<WithdrawalFeed>;
  /** Resolves as soon as the set of copies for this site has changed, or after a while; at once unless `mayWait`. */
  awaitAssignments(after: number, mayWait: boolean, abort: AbortSignal): Promise<AssignmentFeed>;
  listRegistered(
    videos: readonly VideoId[],
    abort: AbortSignal,
  ): Promise<readonly { readonly video: VideoId; readonly version: number }[]>;
  /** Resolves to undefined if the catalogue has no such video, or no longer. */
  findCatalogueEntry(video: VideoId, abort: AbortSignal): Promise<CatalogueEntry | undefined>;
  reportStorage(report: StorageReport, abort: AbortSignal): Promise<void>;
  /** Reports that this site refused a request signed by central. */
  reportRefusal(code: string, detail: string): Promise<void>;
}

/** Central as the link uses it: the site fetches central's requests and sends back the responses of its gateway. */
export interface LinkedCentral {
  readonly site: SiteId;
  readonly url: string;
  awaitLinkRequests(
    options: { readonly preferred: boolean; readonly wait: boolean },
    abort: AbortSignal,
  ): Promise<readonly LinkRequest[]>;
  sendLinkResponse(id: string, status: number, text: string, abort: AbortSignal): Promise<void>;
}

/** Central over HTTP; undefined until this site has joined. */
export function centralOf(identity: MemberIdentity): (Central & LinkedCentral) | undefined {
  const client = centralClientOf(identity);
  return (
    client && {
      site: client.member as SiteId,
      url: client.url,
      ...publicationCalls(client),
      ...linkCalls(client),
    }
  );
}

const publicationCalls = (client: CentralClient): Omit<Central, 'site'> => ({
  handshake: (body, abort) =>
    client.call('/api/handshakes', { body, response: handshakeResponseSchema }, abort),
  listHeld: (epoch, after, abort) =>
    client.call(
      '/api/handshakes/held',
      { body: { epoch, after }, maxBytes: 2 * MAX_RECORD_PAGE_BYTES, response: heldPageSchema },
      abort,
    ),
  async fetchRecords(epoch, videos, abort) {
    const { records } = await client.call(
      '/api/handshakes/records',
      { body: { epoch, videos }, maxBytes: 4 * MAX_RECORD_PAGE_BYTES, response: restoreResponseSchema },
      abort,
    );
    return records;
  },
  async sendSignal(abort) {
    const { epoch } = await client.call(
      '/api/signals',
      { method: 'POST', response: signalResponseSchema },
      abort,
    );
    return epoch;
  },
  fetchMemberInfo: abort => client.call('/api/member?settings=true', { response: memberInfoSchema }, abort),
  awaitWithdrawals: (after, abort) =>
    client.call(
      `/api/withdrawals/feed?after=${after}&wait=${FEED_WAIT_S}`,
      { waitS: FEED_WAIT_S, response: withdrawalFeedSchema },
      abort,
    ),
  awaitAssignments: (after, mayWait, abort) =>
    client.call(
      `/api/assignments?after=${after}&wait=${mayWait ? FEED_WAIT_S : 0}`,
      { waitS: FEED_WAIT_S, response: assignmentFeedSchema },
      abort,
    ),
  async listRegistered(videos, abort) {
    const { registered } = await client.call(
      '/api/registrations/query',
      { body: { videos }, response: registrationResponseSchema },
      abort,
    );
    return registered;
  },
  findCatalogueEntry: (video, abort) =>
    client.call(`/api/videos/${video}`, { response: catalogueEntrySchema }, abort).catch((error: unknown) => {
      const status = error instanceof Problem ? error.peerStatus : undefined;
      if (status === 404 || status === 410) return undefined;
      throw error;
    }),
  async reportStorage(body, abort) {
    await client.call('/api/storage-reports', { body, response: z.unknown() }, abort);
  },
  async reportRefusal(code, detail) {
    await client.call('/api/refusals', { body: { code, detail }, response: z.unknown() });
  },
});

const linkCalls = (client: CentralClient): Omit<LinkedCentral, 'site' | 'url'> => ({
  async awaitLinkRequests(body, abort) {
    const { requests } = await client.call(
      '/api/link/requests',
      { body, waitS: LINK_WAIT_S, maxBytes: MAX_LINK_BYTES, response: linkRequestsSchema },
      abort,
    );
    return requests;
  },
  async sendLinkResponse(id, status, text, abort) {
    await client.call(
      `/api/link/responses/${id}?status=${status}`,
      {
        content: { type: LINK_RESPONSE_TYPE, text },
        timeoutMs: LINK_RESPONSE_TIMEOUT_MS,
        maxBytes: MAX_LINK_BYTES,
        response: z.unknown(),
      },
      abort,
    );
  },
});
