/**
 * Makes a copy of one revision, or goes on with it: every file that a player may ask for, each checked against the proof of
 * the site that made it, and that site's own record. Whole only when all of it is durable.
 */
import { failpoint } from '../../kernel/failpoint.ts';
import { sha256Hex } from '../../kernel/identity/keys.ts';
import type { RevisionId, VideoId } from '../../protocol/ids.ts';
import { mediaPath, recordFile, TIMELINE } from '../../protocol/media/media.ts';
import { MAX_TIMELINE_BYTES, revisionTimelineSchema } from '../../protocol/media/timeline.ts';
import { type VideoRecord, videoRecordSchema } from '../../protocol/publication/record.ts';
import { MAX_VERIFIED_FETCHES, type VerifiedFetcher } from '../delivery/fill/verified-fetcher.ts';
import { type MediaFile, parseMediaFile } from '../delivery/http/media-file.ts';
import type { CopiedBytes, CopyStore, CopyWriter } from '../media/copy-store/copy-store.ts';
import { listRevisionFiles } from './revision-files.ts';

export interface AssignedCopy {
  readonly video: VideoId;
  readonly revision: RevisionId;
  readonly version: number;
  /** Of the origin's record in this version, as central has it. */
  readonly hash: string;
}

export interface MadeCopy {
  readonly record: VideoRecord;
  readonly recordText: string;
  readonly sizeBytes: number;
  readonly files: number;
}

export interface CopyDeps {
  readonly store: Pick<CopyStore, 'openWriter' | 'forget'>;
  readonly fetcher: Pick<VerifiedFetcher, 'findProof' | 'fetch'>;
  /** Told of every step. @throws to give the copy up */
  readonly onProgress: (filesDone: number, files: number) => Promise<void>;
}

/** @throws Error where it cannot be made whole now; what is there already is kept for the next time */
export async function makeCopy(
  means: CopyDeps,
  wanted: AssignedCopy,
  signal: AbortSignal,
): Promise<MadeCopy> {
  const { video, revision, version, hash } = wanted;
  const writer = await means.store.openWriter(video, revision);
  try {
    const at = (file: string): MediaFile => requireMediaFile(mediaPath(video, revision, file));
    const record = await fetchSmall(means, writer, at(recordFile(version)), signal);
    const recordText = record.toString('utf8');
    if (sha256Hex(recordText) !== hash) throw new Error('the record is not the one that the centre knows');
    const parsed = videoRecordSchema.parse(JSON.parse(recordText));
    if (parsed.video !== video || parsed.revision !== revision)
      throw new Error('the record is of another revision');
    const timeline = await fetchSmall(means, writer, at(TIMELINE), signal);
    const names = listRevisionFiles(
      parsed,
      revisionTimelineSchema.parse(JSON.parse(timeline.toString('utf8'))),
    );
    const missing = names.filter(name => !writer.has(name));
    failpoint('copy-begun');
    for (let done = 0; done < missing.length; done += MAX_VERIFIED_FETCHES) {
      signal.throwIfAborted();
      await means.onProgress(names.length - missing.length + done, names.length);
      const files = missing.slice(done, done + MAX_VERIFIED_FETCHES).map(at);
      const found = await Promise.all(files.map(file => fetchUnlessKnown(means, writer, file, signal)));
      for (const [index, file] of files.entries()) {
        const bytes = found[index];
        if (bytes && 'body' in bytes) await writer.add(file.file, bytes);
        else if (bytes) await writer.link(file.file, bytes.proof, bytes.etag);
      }
      failpoint('copy-files-added');
    }
    const sizeBytes = await writer.finish();
    failpoint('copy-whole');
    means.store.forget(video);
    return { record: parsed, recordText, sizeBytes, files: writer.count };
  } finally {
    await writer.close();
  }
}

/** Its bytes are needed here too. */
async function fetchSmall(
  { fetcher }: CopyDeps,
  writer: CopyWriter,
  file: MediaFile,
  signal: AbortSignal,
): Promise<Buffer> {
  const kept = writer.has(file.file) ? await writer.read(file.file) : undefined;
  if (kept) return kept;
  const bytes = await fetcher.fetch(file, signal);
  if (bytes.body.length > MAX_TIMELINE_BYTES) throw new Error(`${file.file} is too long`);
  await writer.add(file.file, bytes);
  return bytes.body;
}

/** Without the body where the same bytes are here already. */
async function fetchUnlessKnown(
  { fetcher }: CopyDeps,
  writer: CopyWriter,
  file: MediaFile,
  signal: AbortSignal,
): Promise<CopiedBytes | Omit<CopiedBytes, 'body'>> {
  if (writer.isInOtherRevision(file.file)) {
    const named = await fetcher.findProof(file, signal);
    if (named && writer.hasBytes(named.proof)) return named;
  }
  return fetcher.fetch(file, signal);
}

/** @throws Error if the record names a file that cannot be part of a revision */
function requireMediaFile(key: string): MediaFile {
  const file = parseMediaFile(key);
  if (!file) throw new Error(`${key} is not a file of a revision`);
  return file;
}
