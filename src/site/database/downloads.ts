/** What viewers may download of a video, as its author has set it: of an own video, or of a copy by the record of its origin. */
import type { VideoId } from '../../protocol/base/ids.ts';
import type { VideoDetails } from '../../protocol/publication/details.ts';
import type { VideoRecord } from '../../protocol/publication/record.ts';
import { parseDetails } from './tables/details.ts';
import type { SiteDatabase } from './tables/videos.ts';

export interface Downloads {
  readonly mode: NonNullable<VideoDetails['downloads']>;
  /** The uploaded file. Absent for copies and videos taken over, which have none, and for trimmed videos. */
  readonly source?: {
    readonly sizeBytes: number;
    readonly sha256: string;
    /** `MP4`, `Matroska` and so on. */
    readonly container: string;
  };
}

/** @returns undefined if this site neither has the video nor a complete copy of it */
export async function findDownloads(db: SiteDatabase, video: VideoId): Promise<Downloads | undefined> {
  const own = await db
    .selectFrom('videos')
    .select(['state', 'details', 'sha256', 'size_bytes', 'prepared', 'revision', 'trim'])
    .where('id', '=', video)
    .executeTakeFirst();
  if (own && own.state !== 'withdrawn' && own.revision !== null) {
    const { downloads: mode = 'none' } = parseDetails(own);
    const prepared: { container?: string; takenOver?: unknown } = JSON.parse(own.prepared ?? '{}');
    if (own.sha256 === null || own.trim !== null || prepared.takenOver !== undefined) return { mode };
    const { container = '' } = prepared;
    return { mode, source: { sizeBytes: Number(own.size_bytes), sha256: own.sha256, container } };
  }
  const copy = await db
    .selectFrom('copies')
    .select('held_record')
    .where('video_id', '=', video)
    .where('held_record', 'is not', null)
    .executeTakeFirst();
  if (!copy) return undefined;
  const { downloads: mode = 'none' } = JSON.parse(copy.held_record ?? '{}') as Partial<VideoRecord>;
  return { mode };
}
