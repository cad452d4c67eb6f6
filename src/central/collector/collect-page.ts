/**
 * What the collector does with one page of a site and with its digest. The order is rule R2: read, commit, and only then
 * acknowledge. What a site sends is hostile input until it is parsed, hashed and found to be its own.
 */
import { failpoint } from '../../kernel/failpoint.ts';
import { problem } from '../../kernel/problem.ts';
import type { SiteId } from '../../protocol/ids.ts';
import { MAX_RECORD_PAGE_ROWS } from '../../protocol/limits.ts';
import { type Epoch, formatEpoch, isSameEpoch } from '../../protocol/publication/epoch.ts';
import type { RecordPage } from '../../protocol/publication/gateway.ts';
import { noteComplete, noteDifference } from '../database/publication/completeness.ts';
import { dissolveEpoch, readEpoch } from '../database/publication/epochs.ts';
import { sumHeld } from '../database/publication/handshakes.ts';
import type { Lease } from '../database/publication/leases.ts';
import { type Refusal, type Taken, takeRecords } from '../database/publication/take-records.ts';
import type { CentralDatabase } from '../database/schema.ts';
import { checkRecord, type OfferedRecord } from '../publication/offered-record.ts';
import type { SiteReader } from '../site-reader/site-reader.ts';

export interface PageMeans {
  readonly db: CentralDatabase;
  readonly reader: SiteReader;
  readonly site: SiteId;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Where centrals share the work: what is taken in without it is not committed. */
  readonly lease?: Lease | undefined;
}

export interface TakenPage extends Taken {
  readonly epoch: Epoch;
  readonly more: boolean;
}

/** Takes in the next page. @throws Problem with the reason why it was not taken. */
export async function collectPage(means: PageMeans, onCommitted: (taken: Taken) => void): Promise<TakenPage> {
  const { db, reader, site, signal, now, lease } = means;
  const { epoch, more, records } = await readPage(means);
  if (records.length > 0) failpoint('page-read');
  const taken = await takeRecords(db, { site, epoch, records, atMs: now(), lease });
  if (records.length > 0) failpoint('page-committed');
  onCommitted(taken);
  // Our histories differ, and nothing that follows would be taken: the site greets anew, and they are compared.
  const diverged = taken.refused.find(({ decision }) => decision !== 'taken');
  if (diverged) await dissolveEpoch(db, site, epoch, describeRefusal(diverged));
  if (taken.acknowledged.length > 0) {
    await reader.acknowledge(epoch, taken.acknowledged, signal);
    failpoint('page-acknowledged');
  }
  return { ...taken, epoch, more: more && !diverged };
}

interface OfferedPage extends Pick<RecordPage, 'epoch' | 'more'> {
  readonly records: readonly OfferedRecord[];
}

/**
 * The page as it is kept until it is committed; as it was read it is garbage from here on.
 *
 * @throws Problem if the page is not the site's own or a record is not what its hash says.
 */
async function readPage({ reader, site, signal }: PageMeans): Promise<OfferedPage> {
  const page = await reader.readRecords(MAX_RECORD_PAGE_ROWS, signal);
  checkOwner(page.site, site);
  return { epoch: page.epoch, more: page.more, records: page.records.map(checkRecord) };
}

function checkOwner(named: SiteId, site: SiteId): void {
  if (named === site) return;
  throw problem(
    'peer-site-mismatch',
    `The server at this base URL says that it is site ${named}. Its records were not taken.`,
  );
}

/**
 * Compares what the site holds for published with what we hold of it. Only the collector changes that, and it reads a site
 * once at a time, so a difference is a real one: the site then greets anew, and both heal.
 */
export async function compareDigests({
  db,
  reader,
  site,
  signal,
  now,
}: PageMeans): Promise<'complete' | 'differs' | 'unpublished'> {
  const theirs = await reader.readDigest(signal);
  checkOwner(theirs.site, site);
  const present = await readEpoch(db, site);
  if (!isSameEpoch(present, theirs.epoch)) {
    throw problem(
      'epoch-mismatch',
      `The site is in epoch ${formatEpoch(theirs.epoch)}, the centre in ${present ? formatEpoch(present) : 'none'}. The site will notice and greet.`,
    );
  }
  if (theirs.unpublished > 0) return 'unpublished';
  const ours = await sumHeld(db, site);
  if (ours.digest === theirs.digest) {
    await noteComplete(db, site, ours.records, now());
    return 'complete';
  }
  await noteDifference(db, site, now());
  await dissolveEpoch(
    db,
    site,
    theirs.epoch,
    `digest-differs: the site counts ${theirs.records} published records, the centre ${ours.records}, and their contents differ.`,
  );
  return 'differs';
}

const REFUSALS = {
  stale: 'is older than what the centre holds. Was the site restored from a backup?',
  conflict: 'came before with another content. Was the site restored from a backup?',
  withdrawn: 'is of a video that was withdrawn, and withdrawn videos do not come back.',
  taken: 'has the id of another site’s video.',
  superseded: 'is of a video that was given to another site when this one was taken for lost.',
} as const satisfies Record<Refusal['decision'], string>;

export const describeRefusal = ({ decision, video, version }: Refusal): string =>
  `${decision}: version ${version} of video ${video} ${REFUSALS[decision]}`;
