/** Opens the storage that a site's settings describe. Every process of a site opens the same one. */
import { requireRealFileSystem } from '../../../kernel/lifecycle/file-systems.ts';
import { createStorage, type Storage } from './create-storage.ts';
import type { S3Settings } from './s3-store.ts';

export interface StorageSettings {
  readonly dataDirectory: string;
  /** If empty, the data directory is used. */
  readonly disks: readonly string[];
  readonly s3?: S3Settings | undefined;
}

export async function openStorage({ dataDirectory, disks, s3 }: StorageSettings): Promise<Storage> {
  for (const directory of [dataDirectory, ...disks]) requireRealFileSystem(directory);
  // Loaded only if configured: the library is larger than all other code.
  const objectStore = s3 && (await import('./s3-store.ts')).openS3Store(s3);
  return createStorage(dataDirectory, {
    ...(disks.length > 0 ? { disks } : {}),
    ...(objectStore ? { objectStore } : {}),
  });
}
