/** Tests an object store for `tributary doctor`: it writes a small object, reads a range of it, and deletes it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newVideoId } from '../../../protocol/base/ids.ts';
import { openS3Store, type S3Settings } from './s3-store.ts';

const NAME = 'doctor';
const CONTENT = Buffer.from('tributary');

/** @throws Error if the store cannot be used with these settings */
export async function testObjectStore(settings: S3Settings): Promise<void> {
  const store = openS3Store(settings);
  const video = newVideoId();
  const directory = await mkdtemp(join(tmpdir(), 'tributary-doctor-'));
  try {
    await writeFile(join(directory, NAME), CONTENT);
    await store.put(video, NAME, join(directory, NAME));
    const file = await store.open(video, NAME, CONTENT.length);
    const part = Buffer.alloc(4);
    await file.read(part, 0, part.length, 2);
    await file.close();
    if (!part.equals(CONTENT.subarray(2, 6))) throw new Error('it returned other bytes than were stored');
    await store.remove(video);
    if (await store.find(video, NAME)) throw new Error('it did not delete an object');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
