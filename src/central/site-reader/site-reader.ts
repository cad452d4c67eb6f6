/**
 * The interface through which central reads a site's database, with one adapter for each way to reach a site. An adapter checks
 * only the form of the data; the collector checks everything else, once for all adapters. `test/readers/site-reader.contract.ts`
 * is the test suite that every adapter runs.
 */
import type { Epoch } from '../../protocol/publication/epoch.ts';
import type {
  Acknowledgement,
  CaptionsQuery,
  DeliveredCaptions,
  PublishedDigest,
  RecordPage,
} from '../../protocol/publication/gateway.ts';
import type { MemberRow } from '../database/schema.ts';

export interface SiteReader {
  /**
   * Reads the oldest unpublished records that have a version, at most `limit`, with their epoch.
   *
   * @throws Problem `handshake-pending` if the site has not completed a handshake since its last start; `peer-…` if it cannot be
   * reached or its response is invalid
   */
  readRecords(limit: number, abort: AbortSignal): Promise<RecordPage>;
  /**
   * Marks exactly the named records as published (R1), and returns how many matched.
   *
   * @throws Problem `epoch-mismatch` if the site has begun a later epoch (R8); then no record is marked
   */
  acknowledge(
    epoch: Epoch,
    published: readonly Acknowledgement[],
    abort: AbortSignal,
  ): Promise<{ readonly matched: number }>;
  /** Reads the digest of the published records. @throws Problem `handshake-pending`, `site-busy`, `peer-…` */
  readDigest(abort: AbortSignal): Promise<PublishedDigest>;
}

/** Reads the captions of a site's videos. Only the gateway has it: captions are files, not rows of the database. */
export interface CaptionsReader {
  /** @throws Problem 404 `captions-unknown`; `peer-…` if the site cannot be reached or its response is invalid */
  readCaptions(query: CaptionsQuery, abort: AbortSignal): Promise<DeliveredCaptions>;
}

/** Opens a reader for a site. It is called for each run, so a changed address takes effect with the next run. */
export type OpenReader = (site: Pick<MemberRow, 'id' | 'base_url' | 'database_url'>) => SiteReader;
/** Opens a reader that calls the gateway of a site. */
export type OpenGateway = (...site: Parameters<OpenReader>) => SiteReader & CaptionsReader;
