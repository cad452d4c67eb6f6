/** The feed of withdrawals that every site follows, and the positions up to which sites have carried them out. */
import { sql } from '../../../kernel/sql/sql.ts';
import type { SiteId } from '../../../protocol/base/ids.ts';
import { writtenAtOf } from '../../../protocol/publication/record.ts';
import {
  MAX_WITHDRAWAL_PAGE_ROWS,
  type Withdrawal,
  type WithdrawalFeed,
} from '../../../protocol/publication/withdrawals.ts';
import { findStart } from '../feed.ts';
import type { CentralDatabase } from '../schema.ts';
import { parseStoredRecord } from '../stored-record.ts';

/**
 * Notes that a site has carried out all withdrawals up to `after`, which it confirms by requesting those after it. Returns the
 * position from which it must continue.
 */
export async function noteCarriedOut(
  db: CentralDatabase,
  site: SiteId,
  after: number,
  nowMs: number,
): Promise<number> {
  const reached = await findStart(db, after);
  await db
    .updateTable('publications')
    .set({ withdrawals: reached, withdrawals_at: nowMs })
    .where('site_id', '=', site)
    .execute();
  return reached;
}

export async function listWithdrawn(db: CentralDatabase, after: number): Promise<WithdrawalFeed> {
  const rows = await db
    .selectFrom('videos')
    .select(['video_id', 'position'])
    .where('withdrawn', '=', sql.lit(1))
    // The id belongs to another site, which has published it.
    .where('superseded_by', 'is', null)
    .where('position', '>', after)
    .orderBy('position')
    .limit(MAX_WITHDRAWAL_PAGE_ROWS)
    .execute();
  return {
    videos: rows.map(row => row.video_id),
    position: Number(rows.at(-1)?.position ?? after),
  };
}

/** Lists the newest withdrawals first, each with the number of sites that confirmed it and the sites that have not. */
export async function listWithdrawals(db: CentralDatabase, limit: number): Promise<Withdrawal[]> {
  const sites = await db
    .selectFrom('publications')
    .innerJoin('members', 'members.id', 'publications.site_id')
    .select(['site_id', 'name', 'withdrawals', 'withdrawals_at'])
    .where('members.joined_at', 'is not', null)
    .where('members.revoked_at', 'is', null)
    .orderBy('name')
    .execute();
  const rows = await db
    .selectFrom('videos')
    .innerJoin('members', 'members.id', 'videos.site_id')
    .select(['video_id', 'title', 'body', 'videos.position', 'site_id', 'name'])
    .where('withdrawn', '=', sql.lit(1))
    .where('superseded_by', 'is', null)
    .orderBy('videos.position', 'desc')
    .limit(limit)
    .execute();
  return rows.map(row => {
    const waiting = sites.filter(site => Number(site.withdrawals) < Number(row.position));
    return {
      video: row.video_id,
      name: row.title,
      site: { id: row.site_id, name: row.name },
      withdrawnAt: writtenAtOf(parseStoredRecord(row.body)),
      confirmed: sites.length - waiting.length,
      sites: sites.length,
      waitingFor: waiting.map(({ site_id, name, withdrawals_at }) => ({
        id: site_id,
        name,
        ...(withdrawals_at === null ? {} : { lastSeenAt: new Date(Number(withdrawals_at)).toISOString() }),
      })),
    };
  });
}
