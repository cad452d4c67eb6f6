/**
 * Maps ids to pieces of the arena, with open addressing in many small tables, so that growing one of them causes no
 * noticeable pause. Sites choose the ids, so the hash is keyed with a seed that no site knows.
 */
import type { Arena, Piece } from './arena.ts';

const TABLE_BITS = 12;
export const TABLES = 2 ** TABLE_BITS;
const FIRST_SLOTS = 8;
const FULL = 0.75;
/** The ids are not distributed evenly over the tables. */
const UNEVEN = 1.1;

export type IdWords = Uint32Array;

export class IdIndex {
  readonly seed: number;
  /** Offset of the id in a piece, bytes; a multiple of 4. */
  readonly #idAt: number;
  readonly #arena: Arena;
  readonly #tables: Uint32Array[];
  readonly #counts = new Uint32Array(TABLES);

  /** Allocates space for `expected` ids. */
  constructor(arena: Arena, idAt: number, seed: number, expected: number) {
    const most = (expected / TABLES) * UNEVEN;
    const slots = expected === 0 ? 0 : 2 ** Math.ceil(Math.log2(Math.max(FIRST_SLOTS, most / FULL)));
    this.#tables = Array.from({ length: TABLES }, () => new Uint32Array(slots));
    this.#arena = arena;
    this.#idAt = idAt;
    this.seed = seed;
  }

  find(id: IdWords): Piece {
    const hash = this.#hash(id, 0);
    const table = this.#tables[hash >>> (32 - TABLE_BITS)] as Uint32Array;
    if (table.length === 0) return 0;
    return table[this.#slotOf(table, hash, id)] as Piece;
  }

  /** Sets the piece of an id, replacing an earlier one. */
  set(id: IdWords, piece: Piece): void {
    const hash = this.#hash(id, 0);
    const at = hash >>> (32 - TABLE_BITS);
    if (((this.#counts[at] as number) + 1) / (this.#tables[at] as Uint32Array).length > FULL) this.#grow(at);
    const table = this.#tables[at] as Uint32Array;
    const slot = this.#slotOf(table, hash, id);
    if (table[slot] === 0) this.#counts[at] = (this.#counts[at] as number) + 1;
    table[slot] = piece;
  }

  /** Adds a piece with an id that the index does not have. The id is at `from` in `words`. */
  add(words: Uint32Array, from: number, piece: Piece): void {
    const hash = this.#hash(words, from);
    const at = hash >>> (32 - TABLE_BITS);
    const count = (this.#counts[at] as number) + 1;
    if (count > (this.#tables[at] as Uint32Array).length * FULL) this.#grow(at);
    const table = this.#tables[at] as Uint32Array;
    const mask = table.length - 1;
    let slot = hash & mask;
    while (table[slot] !== 0) slot = (slot + 1) & mask;
    table[slot] = piece;
    this.#counts[at] = count;
  }

  /** Lists the pieces of one table. An id never changes its table. */
  *piecesOf(table: number): Iterable<Piece> {
    for (const piece of this.#tables[table] as Uint32Array) if (piece !== 0) yield piece;
  }

  get bytes(): number {
    return this.#tables.reduce((sum, table) => sum + table.byteLength, 0);
  }

  /** The slot with the id, or the free slot for it. */
  #slotOf(table: Uint32Array, hash: number, id: IdWords): number {
    const mask = table.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const piece = table[slot] as Piece;
      if (piece === 0) return slot;
      const { words } = this.#arena.chunkOf(piece);
      const at = (this.#arena.offsetOf(piece) + this.#idAt) >> 2;
      if (
        words[at] === id[0] &&
        words[at + 1] === id[1] &&
        words[at + 2] === id[2] &&
        words[at + 3] === id[3]
      ) {
        return slot;
      }
    }
  }

  #grow(at: number): void {
    const before = this.#tables[at] as Uint32Array;
    const table = new Uint32Array(Math.max(FIRST_SLOTS, before.length * 2));
    const mask = table.length - 1;
    for (const piece of before) {
      if (piece === 0) continue;
      const { words } = this.#arena.chunkOf(piece);
      const from = (this.#arena.offsetOf(piece) + this.#idAt) >> 2;
      let slot = this.#hash(words, from) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = piece;
    }
    this.#tables[at] = table;
  }

  /** The mixing function of MurmurHash3, applied to four words. */
  #hash(words: Uint32Array, from: number): number {
    let hash = this.seed;
    for (let at = 0; at < 4; at++) {
      let word = Math.imul(words[from + at] as number, 0xcc9e2d51);
      word = (word << 15) | (word >>> 17);
      hash ^= Math.imul(word, 0x1b873593);
      hash = (hash << 13) | (hash >>> 19);
      hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  }
}
