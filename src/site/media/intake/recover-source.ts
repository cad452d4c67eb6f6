/** A record was taken back that this site had forgotten: is the source of its video still here? */
import type { VideoId } from '../../../protocol/ids.ts';
import type { VideoRecord } from '../../../protocol/publication/record.ts';
import type { VideoRow } from '../../database/schema.ts';
import type { Storage } from '../storage/storage.ts';

/** A source that is here is checked anew, and gets a new revision. What is lost is said, so that someone can mend it. */
export async function recoverSource(
  storage: Storage,
  record: VideoRecord,
): Promise<Pick<VideoRow, 'state' | 'error_code' | 'error_detail'>> {
  if ((await sizeOf(storage, record.video as VideoId)) === record.sizeBytes)
    return { state: 'checking', error_code: null, error_detail: null };
  return {
    state: 'failed',
    error_code: 'source-lost',
    error_detail:
      'This video was published from here, and its file is gone: the site was restored from a backup without it. Upload the film again, and withdraw this one.',
  };
}

async function sizeOf(storage: Storage, video: VideoId): Promise<number | undefined> {
  try {
    const file = await storage.open(video, storage.sourceName);
    const { size } = await file.stat();
    await file.close();
    return size;
  } catch {
    return undefined;
  }
}
