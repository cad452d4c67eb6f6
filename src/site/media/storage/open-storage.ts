/** The storage that a site's settings ask for. Every process of a site opens the same. */

import type { S3Settings } from './s3-store.ts';
import { createStorage, type Storage } from './storage.ts';

export interface StorageSettings {
  readonly dataDirectory: string;
  /** Empty: the data directory. */
  readonly disks: readonly string[];
  readonly s3?: S3Settings | undefined;
}

export async function openStorage({ dataDirectory, disks, s3 }: StorageSettings): Promise<Storage> {
  // Read only where it is asked for: the library is larger than all the rest.
  const behind = s3 && (await import('./s3-store.ts')).openS3Store(s3);
  return createStorage(dataDirectory, {
    ...(disks.length > 0 ? { disks } : {}),
    ...(behind ? { objectStore: behind } : {}),
  });
}
