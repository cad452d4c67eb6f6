/** Files in memory, within a limit, each with its response head ready. S3-FIFO decides which ones stay. */
import { gzipEtag, gzipNow, isText, isWorthGzip } from '../../../kernel/http/coding/gzip.ts';
import { DATE_OFFSET, formatResponseHead } from '../../../kernel/http/fast-path.ts';
import type { Proof } from '../../../kernel/identity/proofs.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { commonHeaders } from '../http/headers.ts';
import { contentTypeOf, type MediaFile } from '../http/media-file.ts';
import { joinHead } from './body.ts';
import { S3Fifo } from './s3-fifo.ts';

/** The bytes of a file, their validator, and the signature of the site that made them. */
export interface CachedBody {
  readonly body: Buffer;
  /** A strong entity tag (RFC 9110, section 8.8.3). */
  readonly etag: string;
  /** Absent if this site's own origin signs nothing. */
  readonly proof?: Proof | undefined;
  /** The content coding of `body`. Absent for the plain form. */
  readonly coding?: 'gzip' | undefined;
}

/** A file in memory, with its response ready to be written. */
export interface CacheEntry extends CachedBody {
  readonly file: MediaFile;
  /** The video was private when this entry was made: its headers say so, and only requests with a token may have it. */
  readonly isPrivate: boolean;
  /** The headers of a complete response, including Content-Length. */
  readonly headers: string[];
  /** It was prefetched, and no viewer has requested it yet. */
  isPrefetched: boolean;
  /** The complete response as it is sent on a raw socket. `body` is its end. */
  readonly wire: Buffer;
  /** The second of the Date header in `wire`, since the epoch. */
  dateS: number;
}

/** The memory that an entry needs in addition to its body. */
const ENTRY_BYTES = 1_024;

interface CacheEntryOptions {
  /** Default: false. */
  readonly isPrivate?: boolean;
  /** Default: false. */
  readonly isPrefetched?: boolean;
}

export function makeCacheEntry(
  file: MediaFile,
  { body, etag, proof, coding }: CachedBody,
  { isPrivate = false, isPrefetched = false }: CacheEntryOptions = {},
): CacheEntry {
  const headers = [
    ...commonHeaders(file, etag, true, isPrivate),
    ...(coding === undefined ? [] : ['Content-Encoding', coding]),
    'Content-Length',
    String(body.length),
  ];
  const head = Buffer.from(formatResponseHead(headers, 0), 'latin1');
  const wire = joinHead(head, body);
  return {
    file,
    isPrivate,
    // If head and body had to be copied into one piece, the entry does not keep the first body alive.
    body: wire.subarray(head.length),
    etag,
    proof,
    coding,
    headers,
    wire,
    dateS: 0,
    isPrefetched,
  };
}

const isCompressible = ({ file, body }: CacheEntry): boolean =>
  isText(contentTypeOf(file.file)) && isWorthGzip(body.length);

/** The compressed form of each entry, made at its first use and kept as long as the entry. */
const compressed = new WeakMap<CacheEntry, CacheEntry>();

/** The form of a file for a client that accepts gzip: compressed if it is text. */
export function gzipEntry(entry: CacheEntry): CacheEntry {
  if (!isCompressible(entry)) return entry;
  let found = compressed.get(entry);
  if (!found) {
    const { file, etag, isPrivate } = entry;
    found = makeCacheEntry(
      file,
      { body: gzipNow(entry.body), etag: gzipEtag(etag), coding: 'gzip' },
      { isPrivate },
    );
    compressed.set(entry, found);
  }
  return found;
}

/** Updates the Date header of the response (RFC 9110, section 6.6.1), which changes once a second. */
export function refreshDate(entry: CacheEntry, nowMs: number): void {
  const nowS = Math.floor(nowMs / 1_000);
  if (entry.dateS === nowS) return;
  entry.dateS = nowS;
  entry.wire.write(new Date(nowS * 1_000).toUTCString(), DATE_OFFSET, 'latin1');
}

export class MemoryTier {
  readonly #files: S3Fifo<CacheEntry>;

  /** `onEvicted` is called for entries that were requested more than once, and evicted nevertheless. */
  constructor(limitBytes: number, onEvicted: (entry: CacheEntry) => void) {
    this.#files = new S3Fifo<CacheEntry>({
      limit: limitBytes,
      // Text may have a compressed form, which is not longer.
      sizeOf: entry => entry.body.length * (isCompressible(entry) ? 2 : 1) + ENTRY_BYTES,
      onEvicted: (_key, entry, wasUsed) => {
        if (wasUsed) onEvicted(entry);
      },
    });
  }

  get bytes(): number {
    return this.#files.size;
  }

  has(key: string): boolean {
    return this.#files.has(key);
  }

  /** Counts as a use. */
  find(key: string): CacheEntry | undefined {
    return this.#files.get(key);
  }

  add(entry: CacheEntry): void {
    this.#files.set(entry.file.key, entry);
  }

  drop(video: VideoId): void {
    for (const { file } of this.#files.values()) if (file.video === video) this.#files.delete(file.key);
  }
}
