/** Restores the row of a video whose record came back from central after this site had lost it, e.g. with an older backup. */
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { VideoRecord } from '../../../protocol/publication/record.ts';
import type { VideoRow } from '../../database/tables/schema.ts';
import type { Storage } from '../storage/storage.ts';

/** A source that is still stored is checked again and gets a new revision. Otherwise the video fails with a message. */
export async function recoverSource(
  storage: Storage,
  record: VideoRecord,
): Promise<Pick<VideoRow, 'state' | 'error_code' | 'error_detail'>> {
  if ((await findSize(storage, record.video)) === record.sizeBytes)
    return { state: 'checking', error_code: null, error_detail: null };
  return {
    state: 'failed',
    error_code: 'source-lost',
    error_detail:
      'The file of this video is missing: the site was restored from a backup without it. Upload the video again, and withdraw this one.',
  };
}

async function findSize(storage: Storage, video: VideoId): Promise<number | undefined> {
  try {
    const file = await storage.open(video, storage.sourceName);
    try {
      return (await file.stat()).size;
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
