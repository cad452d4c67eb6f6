/**
 * Makes a copy of one revision, or continues one: every file that a player may request, verified against the proof of the site
 * that made it, and that site's record. The copy is complete only when all of it is durable.
 */
import { failpoint } from '../../kernel/failpoint.ts';
import { sha256Hex } from '../../kernel/identity/keys.ts';
import type { RevisionId, VideoId } from '../../protocol/base/ids.ts';
import { mediaPath, recordFile, TIMELINE } from '../../protocol/media/media.ts';
import { MAX_TIMELINE_BYTES, revisionTimelineSchema } from '../../protocol/media/timeline.ts';
import { type VideoRecord, videoRecordSchema } from '../../protocol/publication/record.ts';
import {
  MAX_VERIFIED_FETCHES,
  type MediaFile,
  parseMediaFile,
  type VerifiedFetcher,
  type VerifiedFile,
  type VerifiedHead,
} from '../delivery/delivery.ts';
import type { CopyStore, CopyWriter } from '../media/copy-store/copy-store.ts';
import { listRevisionFiles } from './revision-files.ts';

interface AssignedCopy {
  readonly video: VideoId;
  readonly revision: RevisionId;
  readonly version: number;
  /** The hash of the origin's record in this version, as central has it. */
  readonly hash: string;
  /** The copy that is here has damaged files. */
  readonly isDamaged: boolean;
}

export interface CompleteCopy {
  readonly record: VideoRecord;
  readonly recordText: string;
  readonly sizeBytes: number;
  readonly files: number;
}

interface MakeCopyDeps {
  readonly store: Pick<CopyStore, 'openWriter' | 'forget'>;
  readonly fetcher: Pick<VerifiedFetcher, 'findProof' | 'fetch'>;
  /** Called before every batch of files. @throws Error to stop making the copy */
  readonly onProgress: (filesDone: number, files: number) => Promise<void>;
}

/** @throws Error if the copy cannot be completed now. Its files are kept for the next attempt. */
export async function makeCopy(
  deps: MakeCopyDeps,
  { video, revision, version, hash, isDamaged }: AssignedCopy,
  abort: AbortSignal,
): Promise<CompleteCopy> {
  const writer = await deps.store.openWriter(video, revision, isDamaged);
  try {
    const at = (file: string): MediaFile => requireMediaFile(mediaPath(video, revision, file));
    const body = await fetchIntoMemory(deps, writer, at(recordFile(version)), abort);
    const recordText = body.toString('utf8');
    if (sha256Hex(recordText) !== hash) throw new Error('the record is not the one that central has');
    const record = videoRecordSchema.parse(JSON.parse(recordText));
    if (record.video !== video || record.revision !== revision)
      throw new Error('the record is of another revision');
    const timelineText = (await fetchIntoMemory(deps, writer, at(TIMELINE), abort)).toString('utf8');
    const names = listRevisionFiles(record, revisionTimelineSchema.parse(JSON.parse(timelineText)));
    const missing = names.filter(name => !writer.has(name));
    failpoint('copy-begun');
    for (let done = 0; done < missing.length; done += MAX_VERIFIED_FETCHES) {
      abort.throwIfAborted();
      await deps.onProgress(names.length - missing.length + done, names.length);
      const files = missing.slice(done, done + MAX_VERIFIED_FETCHES).map(at);
      const found = await Promise.all(files.map(file => fetchOrReuse(deps, writer, file, abort)));
      for (const [index, { file }] of files.entries()) {
        const bytes = found[index];
        if (bytes && 'body' in bytes) await writer.add(file, bytes);
        else if (bytes) await writer.link(file, bytes.proof, bytes.etag);
      }
      failpoint('copy-files-added');
    }
    const sizeBytes = await writer.finish();
    failpoint('copy-whole');
    deps.store.forget(video);
    return { record, recordText, sizeBytes, files: writer.count };
  } finally {
    await writer.close();
  }
}

/** Fetches a small file whose content decides how the copy continues. */
async function fetchIntoMemory(
  { fetcher }: MakeCopyDeps,
  writer: CopyWriter,
  file: MediaFile,
  abort: AbortSignal,
): Promise<Buffer> {
  const stored = writer.has(file.file) ? await writer.read(file.file) : undefined;
  if (stored) return stored;
  const bytes = await fetcher.fetch(file, abort);
  if (bytes.body.length > MAX_TIMELINE_BYTES) throw new Error(`${file.file} is too long`);
  await writer.add(file.file, bytes);
  return bytes.body;
}

/** Returns no body if the copy already has the same bytes from another revision. */
async function fetchOrReuse(
  { fetcher }: MakeCopyDeps,
  writer: CopyWriter,
  file: MediaFile,
  abort: AbortSignal,
): Promise<VerifiedFile | VerifiedHead> {
  if (writer.isInOtherRevision(file.file)) {
    const head = await fetcher.findProof(file, abort);
    if (head && writer.hasBytes(head.proof)) return head;
  }
  return fetcher.fetch(file, abort);
}

/** @throws Error if the record names a file that cannot be part of a revision */
function requireMediaFile(key: string): MediaFile {
  const file = parseMediaFile(key);
  if (!file) throw new Error(`${key} is not a file of a revision`);
  return file;
}
