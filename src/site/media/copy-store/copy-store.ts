/**
 * Stores complete copies of other sites' videos on this site's disk. Each video has one append-only pack file. Each revision has
 * an index (copy-index.ts), which is renamed into place once every byte it names is durable. Bytes that two revisions share are
 * therefore stored once, and a copy is either complete or absent.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { failpoint } from '../../../kernel/failpoint.ts';
import { deleteTree, flush, renameDurably, syncDirectory, writeDurably } from '../../../kernel/files.ts';
import type { KeyPair } from '../../../kernel/identity/keys.ts';
import { type Proof, sha256Base64, signBytes } from '../../../kernel/identity/proofs.ts';
import type { RevisionId, VideoId } from '../../../protocol/base/ids.ts';
import { revisionIdSchema } from '../../../protocol/base/ids.ts';
import { mediaPath } from '../../../protocol/media/media.ts';
import type { Storage } from '../storage/storage.ts';
import { COPY_FOLDER } from '../storage/storage.ts';
import { COPY_INDEX_HEAD, type CopiedFile, formatCopiedFile, parseCopyIndex } from './copy-index.ts';

const OPEN_INDEXES = 64;
const PACK = 'pack';
const INDEX = '.files';
const JOURNAL = `${INDEX}.new`;

export interface CopiedBytes {
  readonly body: Buffer;
  readonly proof: Proof;
  readonly etag: string;
}

/** The disk returns other bytes than the copy was stored with. */
export class DamagedCopy extends Error {}

type Index = ReadonlyMap<string, CopiedFile>;

export class CopyStore {
  readonly #storage: Storage;
  readonly #indexes = new LRUCache<string, Index>({ max: OPEN_INDEXES });

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  #directory(video: VideoId): string {
    return join(this.#storage.directory(video), COPY_FOLDER);
  }

  /** Returns the files of a revision by name; undefined without a complete copy of it. */
  async findFiles(video: VideoId, revision: RevisionId): Promise<Index | undefined> {
    const key = `${video}/${revision}`;
    const known = this.#indexes.get(key);
    if (known) return known;
    const text = await readText(join(this.#directory(video), revision + INDEX));
    if (text === undefined) return undefined;
    const index = parseCopyIndex(text);
    this.#indexes.set(key, index);
    return index;
  }

  /**
   * @returns undefined without a complete copy of the revision, `no-file` if the revision has no such file
   * @throws DamagedCopy if the bytes on the disk do not match their hash
   */
  async read(
    video: VideoId,
    revision: RevisionId,
    file: string,
  ): Promise<CopiedBytes | 'no-file' | undefined> {
    const index = await this.findFiles(video, revision);
    if (!index) return undefined;
    const found = await this.#readFrom(video, index, file);
    if (found) return found;
    // Another process of this site may have replaced the copy since the index was read.
    this.forget(video);
    const present = await this.findFiles(video, revision);
    if (!present) return undefined;
    const again = await this.#readFrom(video, present, file);
    if (!again) throw new DamagedCopy(`the copy of ${file} is damaged`);
    return again;
  }

  /**
   * Checks every file of a revision.
   *
   * @param afterBytes called after each file; waits as long as the permitted rate requires
   * @returns the names of damaged files; undefined without a complete copy of the revision
   */
  async check(
    video: VideoId,
    revision: RevisionId,
    afterBytes: (bytes: number) => Promise<void>,
  ): Promise<readonly string[] | undefined> {
    this.forget(video);
    const index = await this.findFiles(video, revision);
    if (!index) return undefined;
    const damaged: string[] = [];
    const pack = await open(join(this.#directory(video), PACK), 'r').catch(missing);
    if (!pack) return [...index.keys()];
    try {
      for (const entry of index.values()) {
        // EIO: the disk itself reports that it cannot read the bytes.
        if (!(await readEntry(pack, entry).catch(() => undefined))) damaged.push(entry.file);
        await afterBytes(entry.sizeBytes);
      }
    } finally {
      await pack.close();
    }
    return damaged;
  }

  /** The revisions of which this site has a complete copy. */
  async listRevisions(video: VideoId): Promise<readonly RevisionId[]> {
    const names = await readdir(this.#directory(video)).catch(missing);
    return (names ?? []).flatMap(name => {
      const revision = revisionIdSchema.safeParse(name.slice(0, -INDEX.length));
      return name.endsWith(INDEX) && revision.success ? revision.data : [];
    });
  }

  /** @returns undefined if the pack does not hold the bytes that the index names */
  async #readFrom(video: VideoId, index: Index, file: string): Promise<CopiedBytes | 'no-file' | undefined> {
    const entry = index.get(file);
    if (!entry) return 'no-file';
    const pack = await open(join(this.#directory(video), PACK), 'r').catch(missing);
    if (!pack) return undefined;
    try {
      const body = await readEntry(pack, entry);
      return body && { body, proof: entry.proof, etag: entry.etag };
    } finally {
      await pack.close();
    }
  }

  /**
   * Starts a copy, or resumes an interrupted one. Only one writer per video may be open at a time.
   *
   * @param isDamaged true if complete copies must be checked, so that damaged files are added again
   */
  async openWriter(video: VideoId, revision: RevisionId, isDamaged = false): Promise<CopyWriter> {
    const directory = this.#directory(video);
    await mkdir(directory, { recursive: true });
    const earlier: Index[] = [];
    for (const other of await this.listRevisions(video)) {
      if (other !== revision) earlier.push((await this.findFiles(video, other)) ?? new Map());
    }
    await removeOtherJournals(directory, revision);
    return CopyWriter.open(directory, revision, { earlier, isDamaged });
  }

  /**
   * Signs the same bytes under another revision with this site's key, when the site takes over the video.
   *
   * @throws Error without a complete copy of `from`
   */
  async reSign(video: VideoId, from: RevisionId, to: RevisionId, key: KeyPair): Promise<void> {
    const index = await this.findFiles(video, from);
    if (!index) throw new Error(`there is no complete copy of revision ${from}`);
    const lines = [...index.values()]
      .filter(({ file }) => !/^record-\d+\.json$/.test(file))
      .map(entry =>
        formatCopiedFile({
          ...entry,
          proof: signBytes(key, mediaPath(video, to, entry.file), entry.proof.sha256),
          etag: `"${to}/${entry.file}"`,
        }),
      );
    await writeDurably(join(this.#directory(video), to + INDEX), COPY_INDEX_HEAD + lines.join(''));
  }

  /** Deletes every file of the video's copies. */
  async remove(video: VideoId): Promise<void> {
    this.forget(video);
    await deleteTree(this.#directory(video));
  }

  /** Drops cached indexes of the video, so they are read from the disk again. */
  forget(video: VideoId): void {
    for (const key of [...this.#indexes.keys()]) if (key.startsWith(`${video}/`)) this.#indexes.delete(key);
  }
}

/** An interrupted copy of another revision is not resumed: that revision is no longer the current one. */
async function removeOtherJournals(directory: string, revision: RevisionId): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.endsWith(JOURNAL) && name !== revision + JOURNAL)
      await rm(join(directory, name), { force: true });
  }
}

/** Adds files to a copy. Files from before a kill are kept if their bytes match their hashes. */
export class CopyWriter {
  readonly #directory: string;
  readonly #revision: RevisionId;
  readonly #pack: FileHandle;
  readonly #journal: FileHandle;
  readonly #files = new Map<string, CopiedFile>();
  /** Files whose bytes are in the pack already, by hash. */
  readonly #byHash = new Map<string, CopiedFile>();
  /** Names of files in other revisions. A file of the same name often has the same bytes. */
  readonly #names = new Set<string>();
  #end = 0;

  private constructor(directory: string, revision: RevisionId, pack: FileHandle, journal: FileHandle) {
    this.#directory = directory;
    this.#revision = revision;
    this.#pack = pack;
    this.#journal = journal;
  }

  static async open(
    directory: string,
    revision: RevisionId,
    { earlier, isDamaged }: { readonly earlier: readonly Index[]; readonly isDamaged: boolean },
  ): Promise<CopyWriter> {
    const pack = await open(join(directory, PACK), 'a+');
    const path = join(directory, revision + JOURNAL);
    // Files of a complete copy were checked before. Of an interrupted copy, any part may have failed to reach the disk.
    const isIntact = async (entry: CopiedFile): Promise<boolean> =>
      !isDamaged || (await readEntry(pack, entry).catch(() => undefined)) !== undefined;
    const complete = parseCopyIndex((await readText(join(directory, revision + INDEX))) ?? '');
    const interrupted = parseCopyIndex((await readText(path)) ?? '');
    const journal = await open(path, 'w');
    const writer = new CopyWriter(directory, revision, pack, journal);
    for (const entry of earlier.flatMap(index => [...index.values()])) {
      if (await isIntact(entry)) writer.#remember(entry);
      else writer.#skip(entry);
      writer.#names.add(entry.file);
    }
    await journal.writeFile(COPY_INDEX_HEAD);
    for (const entry of complete.values()) {
      if (await isIntact(entry)) await writer.#append(entry);
      else writer.#skip(entry);
    }
    for (const entry of interrupted.values()) {
      if (!writer.has(entry.file) && (await readEntry(pack, entry))) await writer.#append(entry);
    }
    // The bytes after the last named file belong to no file.
    await pack.truncate(writer.#end);
    return writer;
  }

  has(file: string): boolean {
    return this.#files.has(file);
  }

  async read(file: string): Promise<Buffer | undefined> {
    const entry = this.#files.get(file);
    return entry && readEntry(this.#pack, entry);
  }

  /** Another revision has a file of this name, so comparing hashes may save fetching it. */
  isInOtherRevision(file: string): boolean {
    return this.#names.has(file);
  }

  /** The pack holds bytes with this hash. */
  hasBytes({ sha256 }: Proof): boolean {
    return this.#byHash.has(sha256);
  }

  /** Adds a file whose bytes the pack holds already. @throws Error if it does not */
  async link(file: string, proof: Proof, etag: string): Promise<void> {
    const stored = this.#byHash.get(proof.sha256);
    if (!stored) throw new Error(`the pack does not hold the bytes of ${file}`);
    await this.#append({ file, offset: stored.offset, sizeBytes: stored.sizeBytes, proof, etag });
  }

  async add(file: string, { body, proof, etag }: CopiedBytes): Promise<void> {
    const offset = this.#end;
    // The pack is open for appending, so the bytes go to its end.
    await this.#pack.writeFile(body);
    await this.#append({ file, offset, sizeBytes: body.length, proof, etag });
  }

  async #append(entry: CopiedFile): Promise<void> {
    await this.#journal.writeFile(formatCopiedFile(entry));
    this.#files.set(entry.file, entry);
    this.#remember(entry);
  }

  #remember(entry: CopiedFile): void {
    this.#byHash.set(entry.proof.sha256, entry);
    this.#end = Math.max(this.#end, entry.offset + entry.sizeBytes);
  }

  /** Leaves the bytes of a damaged file where they are: an index of another revision may name them. */
  #skip(entry: CopiedFile): void {
    this.#end = Math.max(this.#end, entry.offset + entry.sizeBytes);
  }

  get count(): number {
    return this.#files.size;
  }

  /** Completes the copy once every file has been added. @returns the size of the pack in bytes */
  async finish(): Promise<number> {
    await flush(this.#pack);
    await flush(this.#journal);
    await syncDirectory(this.#directory);
    failpoint('copy-durable');
    const path = join(this.#directory, this.#revision + INDEX);
    await renameDurably(`${path}.new`, path);
    return this.#end;
  }

  async close(): Promise<void> {
    await this.#pack.close();
    await this.#journal.close();
  }
}

/** @returns undefined if the pack does not hold the bytes of this entry */
async function readEntry(
  pack: FileHandle,
  { offset, sizeBytes, proof }: CopiedFile,
): Promise<Buffer | undefined> {
  const body = Buffer.allocUnsafe(sizeBytes);
  const { bytesRead } = await pack.read(body, 0, sizeBytes, offset);
  if (bytesRead !== sizeBytes) return undefined;
  const sha256 =
    sizeBytes < 4_096 ? createHash('sha256').update(body).digest('base64') : await sha256Base64(body);
  return sha256 === proof.sha256 ? body : undefined;
}

const readText = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(missing);

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
