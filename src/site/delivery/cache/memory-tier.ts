/** What was cut, in memory, within a limit: one buffer a file, its headers ready. What stays is S3-FIFO's to say. */
import { DATE_AT, formatWireHead } from '../../../kernel/http/fast-path.ts';
import type { Proof } from '../../../kernel/identity/proofs.ts';
import type { VideoId } from '../../../protocol/ids.ts';
import { commonHeaders } from '../http/headers.ts';
import type { MediaFile } from '../http/media-file.ts';
import { joinHead } from './body.ts';
import { S3Fifo } from './s3-fifo.ts';

/** The bytes of a file, their name, and whose they are. */
export interface Whole {
  readonly body: Buffer;
  readonly etag: string;
  /** Absent where this site's own origin signs nothing. */
  readonly proof?: Proof | undefined;
}

/** A file that is kept, with its headers ready to be written. */
export interface Kept extends Whole {
  readonly file: MediaFile;
  /** It was put here of a private video: its headers say so, and nobody gets it without a right. */
  readonly isPrivate: boolean;
  /** Of a whole answer, Content-Length included. */
  readonly headers: string[];
  /** Fetched before anybody asked for it, and not asked for yet. */
  isAhead: boolean;
  /** The whole answer as it stands on the wire, in one piece; `body` is its end. */
  readonly wire: Buffer;
  /** The second that its Date tells. */
  datedS: number;
}

/** What an entry costs in memory beside its body. */
const ENTRY_BYTES = 1_024;

export function makeKept(file: MediaFile, { body, etag, proof }: Whole, isPrivate = false): Kept {
  const headers = [...commonHeaders(file, etag, true, isPrivate), 'Content-Length', String(body.length)];
  const head = Buffer.from(formatWireHead(headers, 0), 'latin1');
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
    datedS: 0,
    isAhead: false,
  };
}

/** Brings the answer's Date up to date (RFC 9110, section 6.6.1): it changes once a second. */
export function dateKept(kept: Kept, nowMs: number): void {
  const nowS = Math.floor(nowMs / 1_000);
  if (kept.datedS === nowS) return;
  kept.datedS = nowS;
  kept.wire.write(new Date(nowS * 1_000).toUTCString(), DATE_AT, 'latin1');
}

export class MemoryTier {
  readonly #files: S3Fifo<Kept>;

  /** `onEvicted` is told of what was asked for again, and had to make room all the same. */
  constructor(limit: number, onEvicted: (kept: Kept) => void) {
    this.#files = new S3Fifo<Kept>({
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

  find(key: string): Kept | undefined {
    return this.#files.get(key);
  }

  keep(kept: Kept): void {
    this.#files.set(kept.file.key, kept);
  }

  drop(video: VideoId): void {
    for (const { file } of this.#files.values()) if (file.video === video) this.#files.delete(file.key);
  }
}
