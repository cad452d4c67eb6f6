/**
 * How central reads a site's database (mission, requirement 3): one behaviour, whichever way the site can be reached. An
 * adapter checks nothing of what it hands over beyond its form; the collector does, once for all of them.
 * `site-reader.contract.ts` is the test suite that each adapter runs.
 */
import type { Epoch } from '../../protocol/publication/epoch.ts';
import type { Acknowledgement, PublishedDigest, RecordPage } from '../../protocol/publication/gateway.ts';
import type { MemberRow } from '../database/schema.ts';

export interface SiteReader {
  /**
   * The oldest unpublished records that have a version, at most `limit`, and the epoch that they are of.
   *
   * @throws Problem `handshake-pending` where the site has not greeted central since its last start; `peer-…` where it
   * cannot be reached or answers what it should not.
   */
  readRecords(limit: number, signal: AbortSignal): Promise<RecordPage>;
  /**
   * Marks published exactly what is named (R1), and says how many matched.
   *
   * @throws Problem `epoch-mismatch` where the site has left that epoch behind (R8); nothing is marked then.
   */
  acknowledge(
    epoch: Epoch,
    published: readonly Acknowledgement[],
    signal: AbortSignal,
  ): Promise<{ readonly matched: number }>;
  /** What is published there, in one number. @throws Problem `handshake-pending`, `site-busy`, `peer-…` */
  readDigest(signal: AbortSignal): Promise<PublishedDigest>;
}

/** The way to this site. Called for each run, so a changed address holds from the next run on. */
export type OpenReader = (site: Pick<MemberRow, 'id' | 'base_url' | 'database_url'>) => SiteReader;
