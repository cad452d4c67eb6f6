/** The space for uploads: it is checked before bytes are received. */
import { findStats } from '../../../kernel/files.ts';
import { type Problem, problem } from '../../../kernel/problem.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { listUploading } from '../../database/tables/uploads.ts';
import type { SiteDatabase } from '../../database/tables/videos.ts';
import type { Storage } from '../../media/storage/storage.ts';

export interface SpaceDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  /** Space that uploads leave free. */
  readonly keepFreeBytes: number;
}

const noSpace = (): Problem =>
  problem(
    'disk-full',
    'This site has not enough space for this file. Ask its operator to free some, or choose another site.',
  );

/** Assigns a new upload to a disk with space for it. @throws Problem 507 `disk-full` */
export async function assignDisk(
  { db, storage, keepFreeBytes }: SpaceDeps,
  id: VideoId,
  sizeBytes: number,
): Promise<void> {
  if (!storage.disks.assign(id, sizeBytes + keepFreeBytes, await listUploading(db))) throw noSpace();
}

/**
 * Checks that all remaining bytes of an upload fit. Its space is not reserved before its first byte.
 *
 * @throws Problem 507 `disk-full`
 */
export async function requireSpace({ db, storage, keepFreeBytes }: SpaceDeps, id: VideoId): Promise<void> {
  const uploading = await listUploading(db);
  const upload = uploading.find(({ video }) => video === id);
  if (!upload || storage.isUnavailable(id)) return;
  const receivedBytes = (await findStats(storage.upload(id)))?.size ?? 0;
  const remainingBytes = Math.max(0, upload.sizeBytes - receivedBytes);
  if (storage.disks.unreservedBytes(id, uploading) < remainingBytes + keepFreeBytes) throw noSpace();
}
