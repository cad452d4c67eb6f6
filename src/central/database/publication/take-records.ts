/** Takes a site's records into the catalogue, by publication rules R2, R3, R4, R5, R8 and R9. */

import { type Problem, problem } from '../../../kernel/problem.ts';
import { failed, type Outcome, perDatabase, succeeded } from '../../../kernel/sql/batching.ts';
import { isAmong } from '../../../kernel/sql/rows.ts';
import type { SiteId, VideoId } from '../../../protocol/ids.ts';
import { type Epoch, formatEpoch, isSameEpoch } from '../../../protocol/publication/epoch.ts';
import type { Acknowledgement } from '../../../protocol/publication/gateway.ts';
import { isOfOwner } from '../../../protocol/publication/record.ts';
import type { OfferedRecord } from '../../publication/offered-record.ts';
import { completePromotions, listSuccessors } from '../copies/promotions.ts';
import type { CentralDatabase, CentralTransaction, PublicationRow } from '../schema.ts';
import { type Decision, decide, type Held, type RejectionCode } from './decide.ts';
import { epochOf, lockPublications } from './epochs.ts';
import { findValidLeases, type Lease, leaseLost } from './leases.ts';
import { type RecordWrite, writeRecords } from './write-records.ts';

export interface Rejection {
  readonly video: VideoId;
  readonly version: number;
  readonly decision: RejectionCode;
}

export interface AppliedRecords {
  readonly acknowledged: readonly Acknowledgement[];
  readonly applied: number;
  /** Of these, tombstones. */
  readonly withdrawn: number;
  readonly refused: readonly Rejection[];
}

/** What a site offered, as it was read. */
export interface OfferedPage {
  readonly site: SiteId;
  readonly epoch: Epoch;
  readonly records: readonly OfferedRecord[];
  readonly atMs: number;
  /** Where centrals share the work: without it nothing is taken. */
  readonly lease?: Lease | undefined;
}

/** Pages of so many sites are taken in one transaction: its commit is what takes the time. */
const MAX_PAGES = 16;

/**
 * Takes in one page of a site's records, in one transaction with those of other sites that are there at the same time. What
 * it returns as acknowledged is committed (R2).
 *
 * @throws Problem `epoch-mismatch` if the page is not of the present epoch (R8); `site-revoked`; `lease-lost`.
 */
export const takeRecords = perDatabase(
  MAX_PAGES,
  (db: CentralDatabase, pages: readonly OfferedPage[]): Promise<Outcome<AppliedRecords>[]> =>
    db.transaction().execute(async tx => {
      const findFault = await findFaults(tx, pages);
      const held = await findHeld(tx, pages);
      const writes: RecordWrite[] = [];
      const settled = pages.map(page => {
        const fault = findFault(page);
        return fault ? failed(fault) : succeeded(decideAll(page, held, writes));
      });
      if (writes.length > 0) await writeRecords(tx, writes);
      for (const { site } of pages) {
        const come = writes.filter(write => write.site === site && held.isInherited(write)).map(videoOf);
        if (come.length > 0) await completePromotions(tx, site, come);
      }
      return settled;
    }),
);

/** Decides on each record of a page, and adds what is to be written to `writes`. */
function decideAll(
  { site, records, atMs }: OfferedPage,
  held: HeldVideos,
  writes: RecordWrite[],
): AppliedRecords {
  const acknowledged: Acknowledgement[] = [];
  const refused: Rejection[] = [];
  const applied = new Map<VideoId, OfferedRecord>();
  for (const record of records) {
    const { video, version, hash } = record;
    const decision: Decision = decide(held.of(site, video), held.isTaken(site, video), record);
    if (decision === 'apply') {
      applied.set(video, record);
      held.note(site, video, {
        version,
        hash,
        withdrawn: record.kind === 'tombstone',
        isOwners: isOfOwner(record),
        isSuperseded: held.of(site, video)?.isSuperseded ?? false,
      });
    }
    if (decision === 'apply' || decision === 'again') acknowledged.push({ video, version, hash });
    else refused.push({ video, version, decision });
  }
  for (const record of applied.values()) writes.push({ site, record, atMs });
  const withdrawn = [...applied.values()].filter(({ kind }) => kind === 'tombstone').length;
  return { acknowledged, applied: applied.size, withdrawn, refused };
}

/** Why a page is not taken, if it is not; each site's is its own. */
async function findFaults(
  tx: CentralTransaction,
  pages: readonly OfferedPage[],
): Promise<(page: OfferedPage) => Problem | undefined> {
  const sites = pages.map(({ site }) => site);
  const isStanding = await findValidLeases(
    tx,
    pages.flatMap(({ lease }) => lease ?? []),
  );
  const revoked = await tx
    .selectFrom('members')
    .select('id')
    .where('id', 'in', sites)
    .where('revoked_at', 'is not', null)
    .execute();
  const publications = await lockPublications(tx, sites);
  const rows = new Map(publications.map(row => [row.site_id, row]));
  return ({ site, epoch, lease }) => {
    if (lease && !isStanding(lease)) return leaseLost();
    const row = rows.get(site);
    // Revoked while its page was on the way.
    if (!row || revoked.some(({ id }) => id === site))
      return problem('site-revoked', 'This site was revoked.');
    return findEpochFault(row, epoch);
  };
}

function findEpochFault(row: PublicationRow, epoch: Epoch): Problem | undefined {
  const present = epochOf(row);
  if (isSameEpoch(present, epoch)) return undefined;
  const expected = present
    ? `the centre takes records of epoch ${formatEpoch(present)}`
    : `the centre waits for the site to greet anew${row.invalidated_because ? ` (${row.invalidated_because})` : ''}`;
  return problem(
    'epoch-mismatch',
    `The site offers records of epoch ${formatEpoch(epoch)}, and ${expected}. They were not taken; the site will notice and greet.`,
  );
}

const videoOf = ({ record }: RecordWrite): VideoId => record.video;

/** What is held of the videos in question, by every site, and whose they are. */
class HeldVideos {
  readonly #bySite = new Map<VideoId, Map<SiteId, Held>>();
  /** They were another site's, which was lost, and are these sites' now. */
  readonly #heirs: ReadonlyMap<VideoId, SiteId>;

  constructor(heirs: ReadonlyMap<VideoId, SiteId>) {
    this.#heirs = heirs;
  }

  of(site: SiteId, video: VideoId): Held | undefined {
    return this.#bySite.get(video)?.get(site);
  }

  /**
   * The first site that published an id has it, unless that site was lost and this one was given its video. What the lost one
   * has withdrawn after all, nobody inherits (R5).
   */
  isTaken(site: SiteId, video: VideoId): boolean {
    const isHeir = this.#heirs.get(video) === site;
    for (const [other, { isOwners, isSuperseded, withdrawn }] of this.#bySite.get(video) ?? []) {
      if (other !== site && isOwners && !isSuperseded && (withdrawn || !isHeir)) return true;
    }
    return false;
  }

  isInherited({ site, record }: RecordWrite): boolean {
    return this.#heirs.get(record.video) === site && isOfOwner(record);
  }

  note(site: SiteId, video: VideoId, held: Held): void {
    const sites = this.#bySite.get(video) ?? new Map<SiteId, Held>();
    this.#bySite.set(video, sites.set(site, held));
  }
}

async function findHeld(tx: CentralTransaction, pages: readonly OfferedPage[]): Promise<HeldVideos> {
  const videos = pages.flatMap(({ records }) => records.map(({ video }) => video as string));
  if (videos.length === 0) return new HeldVideos(new Map());
  const held = new HeldVideos(await listSuccessors(tx, videos));
  const known = await tx
    .selectFrom('videos')
    .innerJoin('members', 'members.id', 'videos.site_id')
    .select(['site_id', 'video_id', 'version', 'hash', 'kind', 'withdrawn', 'superseded_by'])
    .where(isAmong(tx, 'video_id', videos))
    // A site that was removed and joined anew may publish its videos again.
    .where('members.revoked_at', 'is', null)
    .execute();
  for (const { site_id, video_id, version, hash, kind, withdrawn, superseded_by } of known) {
    held.note(site_id, video_id, {
      version: Number(version),
      hash,
      withdrawn: withdrawn === 1,
      isOwners: kind === 'video',
      isSuperseded: superseded_by !== null,
    });
  }
  return held;
}
