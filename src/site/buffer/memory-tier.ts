/** What was cut, in memory, within a limit: one buffer a file, its headers ready. What stays is S3-FIFO's to say. */
import type { Proof } from '../../kernel/proofs.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { commonHeaders } from './headers.ts';
import type { MediaFile } from './media-file.ts';
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
  /** Of a whole answer, Content-Length included. */
  readonly headers: string[];
  /** Fetched before anybody asked for it, and not asked for yet. */
  isAhead: boolean;
  /** The same as they stand on the wire, status line first, without Date and the empty line. */
  readonly head: Buffer;
}

/** What an entry costs in memory beside its body. */
const ENTRY_BYTES = 1_024;

export function makeKept(file: MediaFile, { body, etag, proof }: Whole): Kept {
  const headers = [...commonHeaders(file, etag), 'Content-Length', String(body.length)];
  const lines = headers.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`));
  const head = Buffer.from(`HTTP/1.1 200 OK\r\n${lines.join('')}`, 'latin1');
  return { file, body, etag, proof, headers, head, isAhead: false };
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
