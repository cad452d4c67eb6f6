/** How fast conversions of each kind have been at this site. Later ones count more than earlier ones. */
import { sql } from '../../../kernel/sql/sql.ts';
import type { SiteDatabase } from '../tables/videos.ts';

/** The share of the earlier ones that remains with each new one. */
const KEPT_PERCENT = 80;

interface FinishedWork {
  readonly kind: string;
  readonly mediaMs: number;
  readonly workMs: number;
}

export async function noteSpeed(db: SiteDatabase, { kind, mediaMs, workMs }: FinishedWork): Promise<void> {
  const row = { kind, media_ms: Math.round(mediaMs), work_ms: Math.max(1, Math.round(workMs)) };
  await db
    .insertInto('studio_speeds')
    .values(row)
    .onConflict(conflict =>
      conflict.column('kind').doUpdateSet({
        media_ms: sql<number>`studio_speeds.media_ms * ${sql.lit(KEPT_PERCENT)} / 100 + excluded.media_ms`,
        work_ms: sql<number>`studio_speeds.work_ms * ${sql.lit(KEPT_PERCENT)} / 100 + excluded.work_ms`,
      }),
    )
    .execute();
}

/** Milliseconds of video in a millisecond of work, by the kind of a job. */
export async function readSpeeds(db: SiteDatabase): Promise<ReadonlyMap<string, number>> {
  const rows = await db.selectFrom('studio_speeds').selectAll().execute();
  return new Map(rows.map(({ kind, media_ms, work_ms }) => [kind, Number(media_ms) / Number(work_ms)]));
}
