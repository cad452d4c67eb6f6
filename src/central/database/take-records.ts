/** Takes a site's records into the catalogue, by publication rules R2, R3, R4, R5, R8 and R9. */

import { Problem } from '../../kernel/problem.ts';
import { type Epoch, formatEpoch, isSameEpoch } from '../../protocol/epoch.ts';
import type { Acknowledgement, RecordEntry } from '../../protocol/gateway.ts';
import type { SiteId, VideoId } from '../../protocol/ids.ts';
import { isOfOwner } from '../../protocol/record.ts';
import { type Decision, decide, type Held, type RefusalCode } from './decide.ts';
import { epochOf, lockPublication } from './epochs.ts';
import { type Lease, requireLease } from './leases.ts';
import { listInherited, settlePromotions } from './promotions.ts';
import type { CentralDatabase, CentralTransaction } from './schema.ts';
import { writeRecords } from './write-records.ts';

export interface Refusal {
  readonly video: VideoId;
  readonly version: number;
  readonly decision: RefusalCode;
}

export interface Taken {
  readonly acknowledged: readonly Acknowledgement[];
  readonly applied: number;
  /** Of these, tombstones. */
  readonly withdrawn: number;
  readonly refused: readonly Refusal[];
}

/**
 * Takes in one page of a site's records in one transaction. What it returns as acknowledged is committed (R2).
 *
 * @throws Problem `epoch-other` if the page is not of the present epoch (R8); `site-revoked`.
 */
export function takeRecords(
  db: CentralDatabase,
  site: SiteId,
  epoch: Epoch,
  entries: readonly RecordEntry[],
  nowMs: number,
  lease?: Lease,
): Promise<Taken> {
  return db.transaction().execute(async tx => {
    if (lease) await requireLease(tx, lease);
    await requireEpoch(tx, site, epoch);
    const { held, taken, inherited } = await findHeld(tx, site, entries);
    const acknowledged: Acknowledgement[] = [];
    const refused: Refusal[] = [];
    const applied = new Map<VideoId, RecordEntry>();
    for (const entry of entries) {
      const { record, hash } = entry;
      const { video, version } = record;
      const decision: Decision = decide(held.get(video), taken.has(video), entry);
      if (decision === 'apply') {
        applied.set(video, entry);
        held.set(video, {
          version,
          hash,
          withdrawn: record.kind === 'tombstone',
          isOwners: isOfOwner(record),
          isSuperseded: held.get(video)?.isSuperseded ?? false,
        });
      }
      if (decision === 'apply' || decision === 'again') acknowledged.push({ video, version, hash });
      else refused.push({ video, version, decision });
    }
    if (applied.size > 0) await writeRecords(tx, site, [...applied.values()], nowMs);
    const come = [...applied.keys()].filter(video => inherited.has(video) && held.get(video)?.isOwners);
    if (come.length > 0) await settlePromotions(tx, site, come);
    const withdrawn = [...applied.values()].filter(({ record }) => record.kind === 'tombstone').length;
    return { acknowledged, applied: applied.size, withdrawn, refused };
  });
}

async function requireEpoch(tx: CentralTransaction, site: SiteId, epoch: Epoch): Promise<void> {
  const owner = await tx
    .selectFrom('members')
    .select('revoked_at')
    .where('id', '=', site)
    .executeTakeFirstOrThrow();
  // Revoked while its page was on the way.
  if (owner.revoked_at !== null) throw new Problem(403, 'site-revoked', 'This site was revoked.');
  const row = await lockPublication(tx, site);
  const present = epochOf(row);
  if (isSameEpoch(present, epoch)) return;
  const expected = present
    ? `the centre takes records of epoch ${formatEpoch(present)}`
    : `the centre waits for the site to greet anew${row.dissolved_because ? ` (${row.dissolved_because})` : ''}`;
  throw new Problem(
    409,
    'epoch-other',
    `The site offers records of epoch ${formatEpoch(epoch)}, and ${expected}. They were not taken; the site will notice and greet.`,
  );
}

interface Known {
  readonly held: Map<VideoId, Held>;
  /** Their ids are another site's. */
  readonly taken: ReadonlySet<VideoId>;
  /** They were another site's, which was lost, and are this one's now. */
  readonly inherited: ReadonlySet<VideoId>;
}

/** What is held of these videos, and whose they are. */
async function findHeld(
  tx: CentralTransaction,
  site: SiteId,
  entries: readonly RecordEntry[],
): Promise<Known> {
  const held = new Map<VideoId, Held>();
  const taken = new Set<VideoId>();
  if (entries.length === 0) return { held, taken, inherited: taken };
  const inherited = await listInherited(
    tx,
    site,
    entries.map(({ record }) => record.video),
  );
  const known = await tx
    .selectFrom('videos')
    .innerJoin('members', 'members.id', 'videos.site_id')
    .select(['site_id', 'video_id', 'version', 'hash', 'kind', 'withdrawn', 'superseded_by', 'revoked_at'])
    .where(
      'video_id',
      'in',
      entries.map(({ record }) => record.video as string),
    )
    .execute();
  for (const row of known) {
    const video = row.video_id as VideoId;
    if (row.site_id === site) {
      held.set(video, {
        version: Number(row.version),
        hash: row.hash,
        withdrawn: row.withdrawn === 1,
        isOwners: row.kind === 'video',
        isSuperseded: row.superseded_by !== null,
      });
    } else if (row.kind === 'video' && row.superseded_by === null && row.revoked_at === null) {
      // The first site that published an id has it, unless that site was removed and joined anew, or lost.
      if (!inherited.has(video)) taken.add(video);
    }
  }
  return { held, taken, inherited };
}
