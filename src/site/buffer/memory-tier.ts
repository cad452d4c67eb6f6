/** What was cut, in memory, within a limit, least recently used out first: one buffer a file, its headers ready. */
import { LRUCache } from 'lru-cache';
import type { VideoId } from '../../protocol/ids.ts';
import { commonHeaders } from './headers.ts';
import type { MediaFile } from './media-file.ts';

/** A file that is kept, with its headers ready to be written. */
export interface Kept {
  readonly file: MediaFile;
  readonly body: Buffer;
  readonly etag: string;
  /** Of a whole answer, Content-Length included. */
  readonly headers: string[];
  /** The same as they stand on the wire, status line first, without Date and the empty line. */
  readonly head: Buffer;
}

/** What an entry costs in memory beside its body. */
const ENTRY_BYTES = 1_024;

export function makeKept(file: MediaFile, body: Buffer, etag: string): Kept {
  const headers = [...commonHeaders(file, etag), 'Content-Length', String(body.length)];
  const lines = headers.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`));
  return { file, body, etag, headers, head: Buffer.from(`HTTP/1.1 200 OK\r\n${lines.join('')}`, 'latin1') };
}

export class MemoryTier {
  readonly #files: LRUCache<string, Kept>;

  /** `onEvicted` is told of what had to make room. */
  constructor(limitBytes: number, onEvicted: (file: MediaFile) => void) {
    this.#files = new LRUCache<string, Kept>({
      maxSize: Math.max(1, limitBytes),
      maxEntrySize: Math.max(1, Math.floor(limitBytes / 2)),
      sizeCalculation: kept => kept.body.length + ENTRY_BYTES,
      dispose: (kept, _key, reason) => {
        if (reason === 'evict') onEvicted(kept.file);
      },
    });
  }

  get bytes(): number {
    return this.#files.calculatedSize;
  }

  find(key: string): Kept | undefined {
    return this.#files.get(key);
  }

  keep(kept: Kept): void {
    this.#files.set(kept.file.key, kept);
  }

  drop(video: VideoId): void {
    for (const [key, kept] of [...this.#files.entries()])
      if (kept.file.video === video) this.#files.delete(key);
  }
}
