/**
 * Memory for many small byte records outside the JavaScript heap: as objects, ten million videos would have to be
 * visited by the garbage collector. A number identifies each record. Freed memory is reused by size.
 */

export const UNIT_BYTES = 8;
const CHUNK_BITS = 21;
const CHUNK_UNITS = 2 ** CHUNK_BITS;
export const CHUNK_BYTES = CHUNK_UNITS * UNIT_BYTES;
/**
 * Size of the header of a piece, which holds its number of units. While a piece is free, its first bytes hold the next
 * free piece of the same size.
 */
export const HEAD_BYTES = 4;

const MAX_RECORD_BYTES = CHUNK_BYTES / 4;

/** Units for a record of this size. */
export const unitsFor = (bytes: number): number => Math.ceil((HEAD_BYTES + bytes) / UNIT_BYTES);

/** Identifies a piece (32 bits address 32 GiB); 0 is none. */
export type Piece = number;

export interface Chunk {
  readonly bytes: Buffer;
  /** The same memory as 32-bit words. */
  readonly words: Uint32Array;
}

export class Arena {
  readonly #chunks: Chunk[] = [];
  /** The first free piece, by number of units. */
  readonly #free = new Map<number, Piece>();
  #next: Piece = 1;

  /** @throws RangeError if the record is larger than `MAX_RECORD_BYTES`. */
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
    // A piece never spans two chunks. The rest of a chunk stays unused.
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
   * Appends a chunk that was written with the same layout and of which `units` are used. The caller finds its pieces
   * with `pieceAt`.
   */
  adopt(bytes: Buffer, units: number): void {
    if (bytes.length !== CHUNK_BYTES || bytes.byteOffset !== 0)
      throw new RangeError('not a chunk of an arena');
    this.#chunks.push({ bytes, words: new Uint32Array(bytes.buffer) });
    this.#next = Math.max(1, (this.#chunks.length - 1) * CHUNK_UNITS + units);
  }
  /** The piece whose header is this many units into the chunk that was adopted last. */
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

  /** Offset of the first byte of a piece in its chunk; a multiple of 4. */
  offsetOf(piece: Piece): number {
    return (piece & (CHUNK_UNITS - 1)) * UNIT_BYTES + HEAD_BYTES;
  }

  /** Capacity of a piece, bytes. */
  capacityOf(piece: Piece): number {
    const units = this.chunkOf(piece).words[(this.offsetOf(piece) - HEAD_BYTES) >> 2] as number;
    return units * UNIT_BYTES - HEAD_BYTES;
  }

  get bytes(): number {
    return this.#chunks.length * CHUNK_BYTES;
  }
}
