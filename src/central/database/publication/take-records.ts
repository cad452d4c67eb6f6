/** Applies records of sites to the catalogue by publication rules R2, R3, R4, R5, R8 and R9. */
import { type Problem, problem } from '../../../kernel/problem.ts';
import { failed, type Outcome, perDatabase, succeeded } from '../../../kernel/sql/batching.ts';
import { isAmong } from '../../../kernel/sql/rows.ts';
import type { SiteId, VideoId } from '../../../protocol/base/ids.ts';
import { type Epoch, formatEpoch, isSameEpoch } from '../../../protocol/publication/epoch.ts';
import type { Acknowledgement } from '../../../protocol/publication/gateway.ts';
import { isOfOwner } from '../../../protocol/publication/record.ts';
import type { OfferedRecord } from '../../publication/offered-record.ts';
import { completePromotions, listSuccessors, supersedeImpostors } from '../copies/promotions.ts';
import type { CentralDatabase, CentralTransaction, PublicationRow } from '../schema.ts';
import { indexVideos } from '../search/index-videos.ts';
import { keepSeriesCounts } from '../series/counts.ts';
import { type Decision, decide, type Held, type RejectionCode } from './decide.ts';
import { epochOf, lockPublications } from './epochs.ts';
import { type IdOwners, NO_ID_OWNERS, readIdOwners } from './id-owners.ts';
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
  /** How many of the applied records are tombstones. */
  readonly withdrawn: number;
  readonly refused: readonly Rejection[];
}

/** One page of records as it was read from a site. */
export interface OfferedPage {
  readonly site: SiteId;
  readonly epoch: Epoch;
  readonly records: readonly OfferedRecord[];
  readonly atMs: number;
  /** Present if several centrals share the work. Nothing is applied unless it is valid. */
  readonly lease?: Lease | undefined;
}

/** The number of pages that share one transaction. The commit takes most of the time, so sharing it saves most of it. */
const MAX_PAGES = 16;

/**
 * Applies one page of a site's records, in one transaction with the pages of other sites that wait at the same time. The records
 * that it returns as acknowledged are committed (R2).
 *
 * @throws Problem `epoch-mismatch` if the page does not belong to the current epoch (R8); `site-revoked`; `lease-lost`.
 */
export const takeRecords = perDatabase(
  MAX_PAGES,
  (db: CentralDatabase, pages: readonly OfferedPage[]): Promise<Outcome<AppliedRecords>[]> =>
    db.transaction().execute(async tx => {
      const findPageProblem = await createPageCheck(tx, pages);
      const held = await findHeld(tx, pages);
      const writes: RecordWrite[] = [];
      const outcomes = pages.map(page => {
        const pageProblem = findPageProblem(page);
        return pageProblem ? failed(pageProblem) : succeeded(decideAll(page, held, writes));
      });
      if (writes.length > 0)
        await keepSeriesCounts(tx, { videos: writes.map(videoOf) }, async () => {
          await writeRecords(tx, writes);
          for (const { site } of pages) await changeOwners(tx, site, writes, held);
          await indexVideos(tx, writes.filter(({ record }) => isOfOwner(record)).map(videoOf));
        });
      return outcomes;
    }),
);

/** The site becomes the owner of the videos that it has taken over or made. */
async function changeOwners(
  tx: CentralTransaction,
  site: SiteId,
  writes: readonly RecordWrite[],
  held: HeldVideos,
): Promise<void> {
  const takenOver = writes.filter(write => write.site === site && held.isTakeover(write)).map(videoOf);
  if (takenOver.length > 0) await completePromotions(tx, site, takenOver);
  const reclaimed = writes.filter(write => write.site === site && held.isReclaim(write)).map(videoOf);
  if (reclaimed.length > 0) await supersedeImpostors(tx, site, reclaimed);
}

/** Decides on each record of a page, and adds the records to be written to `writes`. */
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
    if (decision === 'apply' || decision === 'repeat') acknowledged.push({ video, version, hash });
    else refused.push({ video, version, decision });
  }
  for (const record of applied.values()) writes.push({ site, record, atMs });
  const withdrawn = [...applied.values()].filter(({ kind }) => kind === 'tombstone').length;
  return { acknowledged, applied: applied.size, withdrawn, refused };
}

/** Returns a function that says why a page is rejected, or undefined if it is not. */
async function createPageCheck(
  tx: CentralTransaction,
  pages: readonly OfferedPage[],
): Promise<(page: OfferedPage) => Problem | undefined> {
  const sites = pages.map(({ site }) => site);
  const isValid = await findValidLeases(
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
    if (lease && !isValid(lease)) return leaseLost();
    const row = rows.get(site);
    // The site may have been revoked while its page was being read.
    if (!row || revoked.some(({ id }) => id === site))
      return problem('site-revoked', 'This site was revoked.');
    return findEpochProblem(row, epoch);
  };
}

function findEpochProblem(row: PublicationRow, epoch: Epoch): Problem | undefined {
  const present = epochOf(row);
  if (isSameEpoch(present, epoch)) return undefined;
  const expected = present
    ? `central expects epoch ${formatEpoch(present)}`
    : `central waits for a handshake${row.invalidated_because ? ` (${row.invalidated_because})` : ''}`;
  return problem(
    'epoch-mismatch',
    `The site offered records of epoch ${formatEpoch(epoch)}, but ${expected}. They were not applied. The site will repeat the handshake.`,
  );
}

const videoOf = ({ record }: RecordWrite): VideoId => record.video;

/** The records held of the offered videos, by site, and the owners of these videos. */
class HeldVideos {
  readonly #bySite = new Map<VideoId, Map<SiteId, Held>>();
  /** The sites that take over videos of a lost site. */
  readonly #successors: ReadonlyMap<VideoId, SiteId>;
  #idOwners: IdOwners;

  constructor(successors: ReadonlyMap<VideoId, SiteId>, idOwners: IdOwners) {
    this.#successors = successors;
    this.#idOwners = idOwners;
  }

  /** Reads the id owners of all sites, if those of the pages' own sites do not decide every record. */
  async completeIdOwners(tx: CentralTransaction, pages: readonly OfferedPage[]): Promise<void> {
    const isUndecided = (site: SiteId, video: VideoId): boolean =>
      this.#otherOwners(site, video).length > 0 ||
      (!this.of(site, video)?.isOwners && !this.#idOwners.isOf(site, video));
    const isNeeded = pages.some(({ site, records }) =>
      records.some(record => isOfOwner(record) && isUndecided(site, record.video)),
    );
    if (isNeeded) this.#idOwners = await readIdOwners(tx);
  }

  of(site: SiteId, video: VideoId): Held | undefined {
    return this.#bySite.get(video)?.get(site);
  }

  /**
   * True if another site owns the video. The owner is the site that made the id. If no site has proved that, it is the first site
   * that published the id. A successor owns the videos of a lost site, except those that the lost site withdrew (R5).
   */
  isTaken(site: SiteId, video: VideoId): boolean {
    const isSuccessor = this.#successors.get(video) === site;
    const owners = this.#otherOwners(site, video);
    if (owners.length === 0) return !isSuccessor && this.#idOwners.isOfAnother(site, video);
    return owners.some(
      ([other, { withdrawn }]) => (withdrawn || !isSuccessor) && !this.#isImpostor(other, site, video),
    );
  }

  isTakeover({ site, record }: RecordWrite): boolean {
    return this.#successors.get(record.video) === site && isOfOwner(record);
  }

  /** True if `site` made the id, and another site has published it before. */
  isReclaim({ site, record: { kind, video } }: RecordWrite): boolean {
    return (
      isOfOwner({ kind }) &&
      this.#otherOwners(site, video).some(([other]) => this.#isImpostor(other, site, video))
    );
  }

  #isImpostor(other: SiteId, site: SiteId, video: VideoId): boolean {
    return this.#idOwners.isOf(site, video) && !this.#idOwners.isOf(other, video);
  }

  #otherOwners(site: SiteId, video: VideoId): (readonly [SiteId, Held])[] {
    return [...(this.#bySite.get(video) ?? [])].filter(
      ([other, { isOwners, isSuperseded }]) => other !== site && isOwners && !isSuperseded,
    );
  }

  note(site: SiteId, video: VideoId, held: Held): void {
    const sites = this.#bySite.get(video) ?? new Map<SiteId, Held>();
    this.#bySite.set(video, sites.set(site, held));
  }
}

async function findHeld(tx: CentralTransaction, pages: readonly OfferedPage[]): Promise<HeldVideos> {
  const videos = pages.flatMap(({ records }) => records.map(({ video }) => video as string));
  if (videos.length === 0) return new HeldVideos(new Map(), NO_ID_OWNERS);
  const held = new HeldVideos(
    await listSuccessors(tx, videos),
    await readIdOwners(
      tx,
      pages.map(({ site }) => site),
    ),
  );
  const known = await tx
    .selectFrom('videos')
    .innerJoin('members', 'members.id', 'videos.site_id')
    .select(['site_id', 'video_id', 'version', 'hash', 'kind', 'withdrawn', 'superseded_by'])
    .where(isAmong(tx, 'video_id', videos))
    // The videos of a revoked site may be published again by a site that joined later.
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
  await held.completeIdOwners(tx, pages);
  return held;
}
