/** What was cut, in memory, within a limit: one buffer a file, its headers ready. What stays is S3-FIFO's to say. */
import { DATE_OFFSET, formatResponseHead } from '../../../kernel/http/fast-path.ts';
import type { Proof } from '../../../kernel/identity/proofs.ts';
import type { VideoId } from '../../../protocol/ids.ts';
import { commonHeaders } from '../http/headers.ts';
import type { MediaFile } from '../http/media-file.ts';
import { joinHead } from './body.ts';
import { S3Fifo } from './s3-fifo.ts';

/** The bytes of a file, their name, and whose they are. */
export interface CachedBody {
  readonly body: Buffer;
  readonly etag: string;
  /** Absent where this site's own origin signs nothing. */
  readonly proof?: Proof | undefined;
}

/** A file that is kept, with its headers ready to be written. */
export interface CacheEntry extends CachedBody {
  readonly file: MediaFile;
  /** It was put here of a private video: its headers say so, and nobody gets it without a right. */
  readonly isPrivate: boolean;
  /** Of a whole answer, Content-Length included. */
  readonly headers: string[];
  /** Fetched before anybody asked for it, and not asked for yet. */
  isPrefetched: boolean;
  /** The whole answer as it stands on the wire, in one piece; `body` is its end. */
  readonly wire: Buffer;
  /** The second that its Date tells. */
  dateS: number;
}

/** What an entry costs in memory beside its body. */
const ENTRY_BYTES = 1_024;

export function makeCacheEntry(
  file: MediaFile,
  { body, etag, proof }: CachedBody,
  isPrivate = false,
): CacheEntry {
  const headers = [...commonHeaders(file, etag, true, isPrivate), 'Content-Length', String(body.length)];
  const head = Buffer.from(formatResponseHead(headers, 0), 'latin1');
  const wire = joinHead(head, body);
  // Where they had to be copied together, the first body is let go.
  return {
    file,
    isPrivate,
    body: wire.subarray(head.length),
    etag,
    proof,
    headers,
    wire,
    dateS: 0,
    isPrefetched: false,
  };
}

/** Brings the answer's Date up to date (RFC 9110, section 6.6.1): it changes once a second. */
export function refreshDate(kept: CacheEntry, nowMs: number): void {
  const nowS = Math.floor(nowMs / 1_000);
  if (kept.dateS === nowS) return;
  kept.dateS = nowS;
  kept.wire.write(new Date(nowS * 1_000).toUTCString(), DATE_OFFSET, 'latin1');
}

export class MemoryTier {
  readonly #files: S3Fifo<CacheEntry>;

  /** `onEvicted` is told of what was asked for again, and had to make room all the same. */
  constructor(limit: number, onEvicted: (kept: CacheEntry) => void) {
    this.#files = new S3Fifo<CacheEntry>({
      limit,
      sizeOf: kept => kept.body.length + ENTRY_BYTES,
      onEvicted: (_key, kept, wasUsed) => {
        if (wasUsed) onEvicted(kept);
      },
    });
  }

  get bytes(): number {
    return this.#files.size;
  }

  has(key: string): boolean {
    return this.#files.has(key);
  }

  find(key: string): CacheEntry | undefined {
    return this.#files.get(key);
  }

  add(kept: CacheEntry): void {
    this.#files.set(kept.file.key, kept);
  }

  drop(video: VideoId): void {
    for (const { file } of this.#files.values()) if (file.video === video) this.#files.delete(file.key);
  }
}
