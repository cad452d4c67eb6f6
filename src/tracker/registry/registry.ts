/**
 * The registry of videos, their holders and the sites, built from central's change feed. Videos are bytes in an arena,
 * found by open addressing (docs/decisions/0006): ten million videos with four copies each fit into 2 GB.
 */
import { randomInt } from 'node:crypto';
import type { SiteId, VideoId } from '../../protocol/base/ids.ts';
import type { Change } from '../../protocol/central.ts';

export { CHUNK_BYTES } from './arena.ts';

import { Arena, CHUNK_BYTES, HEAD_BYTES, type Piece, UNIT_BYTES, unitsFor } from './arena.ts';
import { ByteReader, ByteWriter, readUuid, UUID_BYTES, writeUuid } from './bytes.ts';
import { IdIndex, TABLES } from './id-index.ts';
import { Shapes } from './shapes.ts';
import {
  ENTRIES_AT,
  type Entry,
  ID_AT,
  OTHER_REVISION,
  REVISION_AT,
  type RegisteredVideo,
  readEntries,
  readVideo,
  SAME_REVISION,
  type VideoChange,
  WITHDRAWN,
  writeEntries,
  writeFacts,
} from './video-record.ts';

export type { RegisteredVideo } from './video-record.ts';
export type RegisteredSite = Extract<Change, { kind: 'site' }>;
/** A change of one site's state of one video. */
type VideoEvent = Exclude<Change, { kind: 'site' }>;

export type Lookup =
  | {
      readonly kind: 'known';
      readonly video: RegisteredVideo;
      /** The numbers of the sites that hold this revision, including the one that published it. */
      readonly holders: readonly number[];
    }
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'unknown' };

const UNKNOWN: Lookup = { kind: 'unknown' };
const WITHDRAWN_VIDEO: Lookup = { kind: 'withdrawn' };
/** Spare bytes for three more copies, so that a video need not be moved for each. */
const SPARE_BYTES = 8;
/** Minimum size of a video: the number of entries and one entry. */
const MIN_BYTES = ENTRIES_AT + 3;

/** The parts of a snapshot other than the videos' bytes. */
export interface RegistryTables {
  /** Approximate number of videos. */
  readonly videos: number;
  readonly siteIds: readonly SiteId[];
  readonly sites: readonly RegisteredSite[];
  readonly shapes: readonly string[];
}

export class Registry {
  #arena = new Arena();
  #index: IdIndex;
  #shapes = new Shapes();
  #siteIds: SiteId[] = [];
  #siteNumbers = new Map<SiteId, number>();
  #sites = new Map<SiteId, RegisteredSite>();
  #known = 0;
  /** Incremented with every change of a site. */
  sitesVersion = 0;
  readonly #now: () => number;

  readonly #reader = new ByteReader();
  readonly #writer = new ByteWriter();
  readonly #id = new Uint32Array(UUID_BYTES / 4);
  readonly #idBytes = new Uint8Array(this.#id.buffer);

  constructor(seed = randomInt(2 ** 32), expectedVideos = 0, now = Date.now) {
    this.#now = now;
    this.#index = new IdIndex(this.#arena, ID_AT, seed, expectedVideos);
  }

  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === 'site') {
        this.#sites.set(change.site, change);
        this.sitesVersion++;
      } else {
        this.#register(change);
      }
    }
  }

  /**
   * The first entry belongs to the owner of the video: the site that published it first, or one that central promoted
   * later. Only the owner can change or withdraw the video, so a compromised site gains nothing by publishing under
   * another site's id. If a copy is announced before its video, the first entry is `NOBODY`.
   */
  #register(change: VideoEvent): void {
    writeUuid(change.video, this.#idBytes);
    const before = this.#index.find(this.#id);
    const siteNumber = this.#siteNumberFor(change.site);
    const isCopyEvent = change.kind === 'copy' || change.kind === 'gone';
    if (before === 0) {
      const kind = change.kind === 'video' ? SAME_REVISION : WITHDRAWN;
      const first = isCopyEvent
        ? [NOBODY, copyEntry(siteNumber, change, undefined)]
        : [{ siteNumber, version: change.version, kind }];
      this.#write(0, change, first, change);
      this.#known += Number(change.kind === 'video');
      return;
    }
    const revision = this.#open(before);
    let entries = readEntries(this.#reader);
    const [owner] = entries;
    const isOwned = owner !== undefined && owner.version > 0;
    let at = entries.findIndex(entry => entry.siteNumber === siteNumber && entry.version > 0);
    const previous = entries[at];
    // Publication rule R4: a record is applied only if its version is greater.
    if (previous && previous.version >= change.version) return;
    const wasKnown = isOwned && owner.kind !== WITHDRAWN;
    if (at !== 0 && change.kind === 'video' && (!isOwned || change.promoted)) {
      const former = isOwned ? [{ ...owner, kind: WITHDRAWN, revision: undefined }] : [];
      const others = entries.slice(1).filter(entry => entry !== previous);
      entries = [NOBODY, ...former, ...others];
      at = 0;
    }
    const isOwner = at === 0 && !isCopyEvent;
    const next = isOwner && change.kind === 'video' ? change.revision : revision;
    const entry: Entry = isCopyEvent
      ? copyEntry(siteNumber, change, revision)
      : change.kind === 'withdrawn'
        ? { siteNumber, version: change.version, kind: WITHDRAWN }
        : entryOf(siteNumber, change.version, change.revision, next);
    if (!isOwner) {
      if (at < 0) entries.push(entry);
      else entries[at] = entry;
      // The previous owner no longer holds the video.
      if (at === 0) this.#known -= Number(wasKnown);
      this.#write(before, change, entries, undefined);
      return;
    }
    this.#known += Number(entry.kind !== WITHDRAWN) - Number(wasKnown);
    const others = entries.slice(1).map(other => {
      if (next === revision || other.kind === WITHDRAWN) return other;
      return entryOf(other.siteNumber, other.version, other.revision ?? revision, next);
    });
    this.#write(before, change, [entry, ...others], change);
  }

  /** Opens the reader at the entries of a video. @returns its revision. */
  #open(piece: Piece) {
    const { bytes } = this.#arena.chunkOf(piece);
    const offset = this.#arena.offsetOf(piece);
    this.#reader.open(bytes, offset + ENTRIES_AT);
    return readUuid(bytes, offset + REVISION_AT) as RegisteredVideo['revision'];
  }

  /** Without `owner`, revision and facts are copied; the reader must be at the facts. */
  #write(before: Piece, change: VideoEvent, entries: readonly Entry[], owner: VideoEvent | undefined): void {
    const writer = this.#writer;
    writer.reset();
    writer.reserve(ENTRIES_AT);
    writer.bytes.fill(0, 0, ENTRIES_AT);
    writeUuid(change.video, writer.bytes, ID_AT);
    writer.length = ENTRIES_AT;
    writeEntries(writer, entries);
    const { bytes } = before === 0 ? writer : this.#arena.chunkOf(before);
    const start = before === 0 ? 0 : this.#arena.offsetOf(before);
    if (owner?.kind === 'video') {
      writeUuid(owner.revision, writer.bytes, REVISION_AT);
      writeFacts(writer, this.#shapes, owner);
    } else if (before !== 0) {
      // A withdrawn video keeps its revision: a copy is of this revision or of another.
      writer.bytes.set(bytes.subarray(start + REVISION_AT, start + ENTRIES_AT), REVISION_AT);
      if (!owner) writer.copy(bytes, this.#reader.at, start + bytes.readUInt32LE(start));
    }
    writer.bytes.writeUInt32LE(writer.length, 0);
    this.#store(before, writer.bytes, 0, writer.length);
  }

  /** Stores the bytes of the video with the id in `#id`, in its current piece if they fit, otherwise in a new one. */
  #store(before: Piece, from: Buffer, start: number, length: number): void {
    let piece = before;
    if (before === 0 || this.#arena.capacityOf(before) < length) {
      piece = this.#arena.allocate(length + SPARE_BYTES);
    }
    this.#arena.chunkOf(piece).bytes.set(from.subarray(start, start + length), this.#arena.offsetOf(piece));
    if (piece === before) return;
    this.#index.set(this.#id, piece);
    if (before !== 0) this.#arena.release(before);
  }

  #siteNumberFor(site: SiteId): number {
    const known = this.#siteNumbers.get(site);
    if (known !== undefined) return known;
    const siteNumber = this.#siteIds.push(site) - 1;
    this.#siteNumbers.set(site, siteNumber);
    return siteNumber;
  }

  find(id: VideoId): Lookup {
    writeUuid(id, this.#idBytes);
    const piece = this.#index.find(this.#id);
    if (piece === 0) return UNKNOWN;
    const revision = this.#open(piece);
    const entries = readEntries(this.#reader);
    const [owner] = entries;
    if (!owner || owner.version === 0) return UNKNOWN;
    if (owner.kind === WITHDRAWN) return WITHDRAWN_VIDEO;
    const holders: number[] = [];
    for (const { kind, siteNumber } of entries) if (kind === SAME_REVISION) holders.push(siteNumber);
    const site = this.#siteIds[owner.siteNumber] as SiteId;
    const { version } = owner;
    const video = readVideo({ video: id, site, version, revision }, this.#reader, this.#shapes);
    const nowMs = this.#now();
    // Decided by the record only, also while the site of the video cannot send its withdrawal.
    if (video.withdrawAtMs > 0 && video.withdrawAtMs <= nowMs) return WITHDRAWN_VIDEO;
    return video.publishAtMs > nowMs ? UNKNOWN : { kind: 'known', video, holders };
  }

  /** Number of videos that are not withdrawn. */
  get videoCount(): number {
    return this.#known;
  }

  get sites(): readonly RegisteredSite[] {
    return [...this.#sites.values()];
  }

  findSite(id: SiteId): RegisteredSite | undefined {
    return this.#sites.get(id);
  }

  /** Every site number is below this. */
  get siteCount(): number {
    return this.#siteIds.length;
  }

  /** The site with this number. A number is assigned once and never changes. */
  siteByNumber(siteNumber: number): SiteId {
    const id = this.#siteIds[siteNumber];
    if (id === undefined) throw new RangeError(`no site has the number ${siteNumber}`);
    return id;
  }

  /** Takes over the contents of `other`, which must not be used afterwards. */
  replaceWith(other: Registry): void {
    this.#arena = other.#arena;
    this.#index = other.#index;
    this.#shapes = other.#shapes;
    this.#siteIds = other.#siteIds;
    this.#siteNumbers = other.#siteNumbers;
    this.#sites = other.#sites;
    this.#known = other.#known;
    this.sitesVersion++;
  }

  get seed(): number {
    return this.#index.seed;
  }

  /** Memory of the videos, bytes. */
  get bytes(): number {
    return this.#arena.bytes + this.#index.bytes;
  }

  /** The tables to which the videos' bytes refer. They must be read after the bytes. */
  tables(): RegistryTables {
    return { videos: this.#known, siteIds: this.#siteIds, sites: this.sites, shapes: this.#shapes.texts };
  }

  /**
   * The videos as bytes in slices, with the layout of the arena: no piece spans two chunks. Changes may be applied
   * between two slices: each video is in exactly one slice, in its state when that slice was made.
   */
  *slices(): Iterable<Buffer> {
    // Piece 0 does not exist.
    yield Buffer.alloc(UNIT_BYTES);
    let at = UNIT_BYTES;
    for (let table = 0; table < TABLES; table++) {
      const slice = this.#layOut(this.#index.piecesOf(table), at);
      at += slice.length;
      if (slice.length > 0) yield slice;
    }
  }

  /**
   * Lays out these pieces consecutively, starting at `at`. If a piece does not fit into a chunk, the rest of that chunk
   * is filled with zeros.
   */
  #layOut(pieces: Iterable<Piece>, at: number): Buffer {
    const layout: number[] = [];
    let end = at;
    for (const piece of pieces) {
      const bytes = this.#unitsOf(piece) * UNIT_BYTES;
      const left = CHUNK_BYTES - (end % CHUNK_BYTES);
      if (bytes > left) end += left;
      layout.push(piece, end);
      end += bytes;
    }
    const slice = Buffer.alloc(end - at);
    for (let n = 0; n < layout.length; n += 2) {
      const piece = layout[n] as Piece;
      const to = (layout[n + 1] as number) - at;
      const { bytes } = this.#arena.chunkOf(piece);
      const start = this.#arena.offsetOf(piece);
      slice.writeUInt32LE(this.#unitsOf(piece), to);
      bytes.copy(slice, to + HEAD_BYTES, start, start + bytes.readUInt32LE(start));
    }
    return slice;
  }

  #unitsOf(piece: Piece): number {
    return unitsFor(this.#arena.chunkOf(piece).bytes.readUInt32LE(this.#arena.offsetOf(piece)) + SPARE_BYTES);
  }

  /**
   * Adopts the next chunk of the output of `slices`, of which `length` bytes are used, as the registry's own memory.
   * After an error, the registry must not be used. @throws Error if the chunk is invalid.
   */
  adopt(bytes: Buffer, length: number): void {
    const units = Math.floor(length / UNIT_BYTES);
    this.#arena.adopt(bytes, units);
    const words = new Uint32Array(bytes.buffer);
    const perUnit = UNIT_BYTES / 4;
    for (let unit = this.#arena.pieceAt(0) === 0 ? 1 : 0; unit < units; ) {
      const taken = words[unit * perUnit] as number;
      // The rest of the chunk is unused.
      if (taken === 0) break;
      const start = unit * UNIT_BYTES + HEAD_BYTES;
      const size = words[start >> 2] as number;
      if (unit + taken > units || size < MIN_BYTES || size > taken * UNIT_BYTES - HEAD_BYTES)
        throw new Error('the chunk is damaged');
      this.#index.add(words, (start + ID_AT) >> 2, this.#arena.pieceAt(unit));
      if (kindOfFirst(bytes, start + ENTRIES_AT) !== WITHDRAWN) this.#known++;
      unit += taken;
    }
  }

  restoreTables({ siteIds, sites, shapes }: RegistryTables): void {
    for (const id of siteIds) this.#siteNumberFor(id);
    for (const text of shapes) this.#shapes.numberOf(text);
    this.apply(sites);
  }
}

/** The first entry of a video whose owner is not known yet. */
const NOBODY: Entry = { siteNumber: 0, version: 0, kind: WITHDRAWN };

const copyEntry = (
  siteNumber: number,
  change: Extract<VideoEvent, { kind: 'copy' | 'gone' }>,
  current: VideoChange['revision'] | undefined,
): Entry => {
  const { version } = change;
  if (change.kind === 'gone') return { siteNumber, version, kind: WITHDRAWN };
  if (change.revision === current) return { siteNumber, version, kind: SAME_REVISION };
  return { siteNumber, version, kind: OTHER_REVISION, revision: change.revision };
};

/** The number of entries takes one byte or more. The kind of the first entry is in the lowest bits of the next byte. */
function kindOfFirst(bytes: Uint8Array, entriesAt: number): number {
  let at = entriesAt;
  while ((bytes[at] as number) >= 0x80) at++;
  return (bytes[at + 1] as number) % 4;
}

const entryOf = (
  siteNumber: number,
  version: number,
  revision: VideoChange['revision'],
  current: VideoChange['revision'],
): Entry =>
  revision === current
    ? { siteNumber, version, kind: SAME_REVISION }
    : { siteNumber, version, kind: OTHER_REVISION, revision };
