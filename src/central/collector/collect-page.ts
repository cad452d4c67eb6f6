/**
 * Applies one page of records of a site, and compares digests. The order is publication rule R2: read, commit, and only then
 * acknowledge. Input from a site is untrusted until it is parsed, its hashes are checked, and it is known to be the site's own.
 */
import { failpoint } from '../../kernel/failpoint.ts';
import { problem } from '../../kernel/problem.ts';
import type { SiteId } from '../../protocol/base/ids.ts';
import { MAX_RECORD_PAGE_ROWS } from '../../protocol/base/limits.ts';
import { type Epoch, formatEpoch, isSameEpoch } from '../../protocol/publication/epoch.ts';
import type { RecordPage } from '../../protocol/publication/gateway.ts';
import { noteComplete, noteDifference } from '../database/publication/completeness.ts';
import { invalidateEpoch, readEpoch } from '../database/publication/epochs.ts';
import { sumHeld } from '../database/publication/handshakes.ts';
import type { Lease } from '../database/publication/leases.ts';
import { type AppliedRecords, type Rejection, takeRecords } from '../database/publication/take-records.ts';
import type { CentralDatabase } from '../database/schema.ts';
import { checkRecord, type OfferedRecord } from '../publication/offered-record.ts';
import type { SiteReader } from '../site-reader/site-reader.ts';

export interface PageDeps {
  readonly db: CentralDatabase;
  readonly reader: SiteReader;
  readonly site: SiteId;
  readonly abort: AbortSignal;
  readonly now: () => number;
  /** Present if several centrals share the work. Without a valid lease nothing is committed. */
  readonly lease?: Lease | undefined;
}

export interface AppliedPage extends AppliedRecords {
  readonly epoch: Epoch;
  readonly more: boolean;
}

/** Applies the next page. @throws Problem with the reason why it was rejected. */
export async function collectPage(
  deps: PageDeps,
  onCommitted: (taken: AppliedRecords) => void,
): Promise<AppliedPage> {
  const { db, reader, site, abort, now, lease } = deps;
  const { epoch, more, records } = await readPage(deps);
  if (records.length > 0) failpoint('page-read');
  const taken = await takeRecords(db, { site, epoch, records, atMs: now(), lease });
  if (records.length > 0) failpoint('page-committed');
  onCommitted(taken);
  // The histories differ, so later records would be rejected too. The site repeats the handshake, which compares both.
  const diverged = taken.refused.find(({ decision }) => decision !== 'taken');
  if (diverged) await invalidateEpoch(db, site, epoch, describeRejection(diverged));
  if (taken.acknowledged.length > 0) {
    await reader.acknowledge(epoch, taken.acknowledged, abort);
    failpoint('page-acknowledged');
  }
  return { ...taken, epoch, more: more && !diverged };
}

interface OfferedPage extends Pick<RecordPage, 'epoch' | 'more'> {
  readonly records: readonly OfferedRecord[];
}

/**
 * Reads the next page in the form that is needed until the commit, so that the parsed page can be garbage-collected.
 *
 * @throws Problem if the page belongs to another site, or if a record does not match its hash.
 */
async function readPage({ reader, site, abort }: PageDeps): Promise<OfferedPage> {
  const page = await reader.readRecords(MAX_RECORD_PAGE_ROWS, abort);
  checkOwner(page.site, site);
  return { epoch: page.epoch, more: page.more, records: page.records.map(checkRecord) };
}

function checkOwner(named: SiteId, site: SiteId): void {
  if (named === site) return;
  throw problem(
    'peer-site-mismatch',
    `The server at this base URL identifies itself as site ${named}. Its records were not accepted.`,
  );
}

/**
 * Compares the published records of the site with those at central. Only the collector changes them, one run at a time, so a
 * difference is real. The site then repeats the handshake, which repairs both sides.
 */
export async function compareDigests({
  db,
  reader,
  site,
  abort,
  now,
}: PageDeps): Promise<'complete' | 'differs' | 'unpublished'> {
  const theirs = await reader.readDigest(abort);
  checkOwner(theirs.site, site);
  const present = await readEpoch(db, site);
  if (!isSameEpoch(present, theirs.epoch)) {
    throw problem(
      'epoch-mismatch',
      `The site is in epoch ${formatEpoch(theirs.epoch)}, central in ${present ? formatEpoch(present) : 'none'}. The site will repeat the handshake.`,
    );
  }
  if (theirs.unpublished > 0) return 'unpublished';
  const ours = await sumHeld(db, site);
  if (ours.digest === theirs.digest) {
    await noteComplete(db, site, ours.records, now());
    return 'complete';
  }
  await noteDifference(db, site, now());
  await invalidateEpoch(
    db,
    site,
    theirs.epoch,
    `The site counts ${theirs.records} published records, central ${ours.records}, and their contents differ.`,
  );
  return 'differs';
}

const REJECTION_REASONS = {
  stale: 'is older than the one at central. Was the site restored from a backup?',
  conflict: 'was received before with different content. Was the site restored from a backup?',
  withdrawn: 'belongs to a withdrawn video. Withdrawn videos cannot be published again.',
  taken: 'has the id of a video of another site.',
  superseded: 'belongs to a video that another site took over when this site was declared lost.',
} as const satisfies Record<Rejection['decision'], string>;

export const describeRejection = ({ decision, video, version }: Rejection): string =>
  `Version ${version} of video ${video} ${REJECTION_REASONS[decision]}`;
