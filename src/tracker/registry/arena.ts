/**
 * Memory for many small byte records, outside the JavaScript heap: a registry of ten million videos would otherwise be ten
 * million objects for the garbage collector to visit. A record is named by a number; freed ones are used again by size.
 */

export const UNIT_BYTES = 8;
const CHUNK_BITS = 21;
const CHUNK_UNITS = 2 ** CHUNK_BITS;
export const CHUNK_BYTES = CHUNK_UNITS * UNIT_BYTES;
/** How many units a piece has stands before it; while it is free, the next free one of its size stands in it. */
export const HEAD_BYTES = 4;

export const MAX_RECORD_BYTES = CHUNK_BYTES / 4;

/** Units that a record of so many bytes takes. */
export const unitsFor = (bytes: number): number => Math.ceil((HEAD_BYTES + bytes) / UNIT_BYTES);

/** Names a piece (32 bits: 32 GiB); 0 names none. */
export type Piece = number;

export interface Chunk {
  readonly bytes: Buffer;
  /** The same memory, four bytes at once. */
  readonly words: Uint32Array;
}

export class Arena {
  readonly #chunks: Chunk[] = [];
  /** First free piece by its units. */
  readonly #free = new Map<number, Piece>();
  #next: Piece = 1;

  /** @throws RangeError if it is longer than `MAX_RECORD_BYTES`. */
  allocate(bytes: number): Piece {
    if (bytes > MAX_RECORD_BYTES) throw new RangeError(`a record has ${bytes} bytes`);
    const units = unitsFor(bytes);
    const free = this.#free.get(units) ?? 0;
    if (free !== 0) {
      const next = this.chunkOf(free).words[this.offsetOf(free) >> 2] as Piece;
      if (next === 0) this.#free.delete(units);
      else this.#free.set(units, next);
      return free;
    }
    // A piece lies in one chunk: what is left at the end of a chunk stays unused.
    if ((this.#next % CHUNK_UNITS) + units > CHUNK_UNITS)
      this.#next += CHUNK_UNITS - (this.#next % CHUNK_UNITS);
    const piece = this.#next;
    this.#next += units;
    if (this.#chunks.length <= piece >>> CHUNK_BITS) {
      const bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      this.#chunks.push({ bytes, words: new Uint32Array(bytes.buffer) });
    }
    this.chunkOf(piece).words[(this.offsetOf(piece) - HEAD_BYTES) >> 2] = units;
    return piece;
  }

  /**
   * Takes in memory that is laid out as its own, behind what it has: `units` of it are used. What lies in them is the caller's
   * to name, with `pieceAt`.
   */
  adopt(bytes: Buffer, units: number): void {
    if (bytes.length !== CHUNK_BYTES || bytes.byteOffset !== 0) throw new RangeError('no chunk of an arena');
    this.#chunks.push({ bytes, words: new Uint32Array(bytes.buffer) });
    this.#next = Math.max(1, (this.#chunks.length - 1) * CHUNK_UNITS + units);
  }
  /** The piece whose head is so many units into the chunk that was adopted last. */
  pieceAt(unit: number): Piece {
    return (this.#chunks.length - 1) * CHUNK_UNITS + unit;
  }

  release(piece: Piece): void {
    const { words } = this.chunkOf(piece);
    const offset = this.offsetOf(piece);
    const units = words[(offset - HEAD_BYTES) >> 2] as number;
    words[offset >> 2] = this.#free.get(units) ?? 0;
    this.#free.set(units, piece);
  }

  chunkOf(piece: Piece): Chunk {
    return this.#chunks[piece >>> CHUNK_BITS] as Chunk;
  }

  /** Of the first byte of a piece in its chunk; a multiple of 4. */
  offsetOf(piece: Piece): number {
    return (piece & (CHUNK_UNITS - 1)) * UNIT_BYTES + HEAD_BYTES;
  }

  /** Bytes that a piece has room for. */
  roomOf(piece: Piece): number {
    const units = this.chunkOf(piece).words[(this.offsetOf(piece) - HEAD_BYTES) >> 2] as number;
    return units * UNIT_BYTES - HEAD_BYTES;
  }

  get bytes(): number {
    return this.#chunks.length * CHUNK_BYTES;
  }
}
