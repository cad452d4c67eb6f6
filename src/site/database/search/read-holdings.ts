/** The videos that this site can play, as the search index needs them: its own, its copies, and those in its buffer. */
import type { IndexedVideo } from '../../../kernel/search/document.ts';
import type { SiteId, VideoId } from '../../../protocol/base/ids.ts';
import { audienceOf } from '../../../protocol/people/audience.ts';
import type { VideoRecord } from '../../../protocol/publication/record.ts';
import { phaseAt } from '../../../protocol/publication/schedule.ts';
import { readCentralLists } from '../central-lists.ts';
import { parseExtras } from '../extras.ts';
import { parseDetails } from '../tables/details.ts';
import { audienceOfRow, isPending } from '../tables/people-columns.ts';
import type { SiteDatabase } from '../tables/videos.ts';

export interface HeldVideo {
  readonly video: IndexedVideo;
  readonly hasCaptions: boolean;
}

/** What only editors may find. */
const HIDDEN = { audience: 'private' as const, groups: [] };

/** Each video by its best holding. Of a buffered video, the site knows little, but it is public. */
export async function readHoldings(
  db: SiteDatabase,
  videos: readonly VideoId[],
  site: SiteId | undefined,
): Promise<ReadonlyMap<VideoId, HeldVideo>> {
  const held = new Map<VideoId, HeldVideo>();
  if (videos.length === 0) return held;
  const lists = await readCentralLists(db);
  const titles = new Map((lists?.series ?? []).map(({ id, title }) => [id as string, title]));
  const seriesOf = (id: string | null | undefined) => (id ? { id, title: titles.get(id) ?? '' } : undefined);
  const entries = await db
    .selectFrom('catalogue_entries')
    .selectAll()
    .where('video_id', 'in', videos)
    .execute();
  for (const { video_id: video, name, description, duration_ms, synced_ms } of entries) {
    const createdAt = new Date(Number(synced_ms)).toISOString();
    const facts = { name, description, durationMs: Number(duration_ms), createdAt };
    held.set(video, {
      video: { video, site: '', ...facts, audience: 'public', groups: [] },
      hasCaptions: false,
    });
  }
  const copies = await db
    .selectFrom('copies')
    .select(['video_id', 'origin', 'held_record'])
    .where('video_id', 'in', videos)
    .where('held_revision', 'is not', null)
    .execute();
  for (const { video_id: video, origin, held_record } of copies) {
    const record = JSON.parse(held_record ?? '{}') as VideoRecord;
    if (record.kind !== 'video') continue;
    const isCurrent = phaseAt(record, Date.now()) === 'current';
    const watchers = isCurrent ? { audience: audienceOf(record), groups: record.groups ?? [] } : HIDDEN;
    held.set(video, {
      video: {
        ...record,
        video,
        site: origin,
        ...watchers,
        owner: record.owner?.id,
        series: seriesOf(record.series?.id),
      },
      hasCaptions: record.renditions.some(({ kind }) => kind === 'captions'),
    });
  }
  const own = await db
    .selectFrom('videos')
    .selectAll()
    .where('id', 'in', videos)
    .where('state', '=', 'ready')
    .execute();
  for (const row of own) {
    const { durationMs } = JSON.parse(row.prepared ?? '{}') as { readonly durationMs?: number };
    if (durationMs === undefined) continue;
    const watchers = row.approval !== null || isPending(row) ? HIDDEN : audienceOfRow(row);
    held.set(row.id, {
      video: {
        ...parseDetails(row),
        video: row.id,
        site: site ?? '',
        name: row.name,
        description: row.description,
        language: row.language ?? undefined,
        durationMs,
        createdAt: row.created_at,
        ...watchers,
        owner: row.owner_id ?? undefined,
        series: seriesOf(row.series_id),
      },
      hasCaptions: parseExtras(row.extras).captions.length > 0,
    });
  }
  return held;
}
