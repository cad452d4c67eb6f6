/**
 * What the tracker knows, as central's change feed told it: the videos, who holds them, and the sites. Videos are bytes in
 * an arena, found by open addressing (docs/decisions/0006): ten million with four copies each fit into 2 GB.
 */
import { randomInt } from 'node:crypto';
import type { Change } from '../../protocol/central.ts';
import type { SiteId, VideoId } from '../../protocol/ids.ts';
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
/** What one site last said of one video. */
type Said = Exclude<Change, { kind: 'site' }>;

export type Lookup =
  | {
      readonly kind: 'known';
      readonly video: RegisteredVideo;
      /** The places (`placeOf`) of the sites that hold this revision; the one that published it first. */
      readonly holders: readonly number[];
    }
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'unknown' };

const UNKNOWN: Lookup = { kind: 'unknown' };
const GONE: Lookup = { kind: 'withdrawn' };
/** Room for three copies more, so that a video need not move for each. */
const SPARE_BYTES = 8;
/** Of any video: how many entries, and one of them. */
const LEAST_BYTES = ENTRIES_AT + 3;

/** What a snapshot holds beside the videos' bytes. */
export interface RegistryTables {
  /** About how many there are. */
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
  #places = new Map<SiteId, number>();
  #sites = new Map<SiteId, RegisteredSite>();
  #known = 0;
  /** Rises with every change of a site. */
  sitesVersion = 0;

  readonly #reader = new ByteReader();
  readonly #writer = new ByteWriter();
  readonly #id = new Uint32Array(UUID_BYTES / 4);
  readonly #idBytes = new Uint8Array(this.#id.buffer);

  constructor(seed = randomInt(2 ** 32), expectedVideos = 0) {
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
   * The first entry is of the site whose video it is: the first that published it, and later one that central promoted. Only
   * that site changes or withdraws it: a compromised site that publishes under another's id gains nothing. Of a copy that
   * is heard of before its video, the first entry is `NOBODY`.
   */
  #register(change: Said): void {
    writeUuid(change.video, this.#idBytes);
    const before = this.#index.find(this.#id);
    const place = this.#placeFor(change.site);
    const isOfCopy = change.kind === 'copy' || change.kind === 'gone';
    if (before === 0) {
      const kind = change.kind === 'video' ? SAME_REVISION : WITHDRAWN;
      const first = isOfCopy
        ? [NOBODY, copyEntry(place, change, undefined)]
        : [{ place, version: change.version, kind }];
      this.#write(0, change, first, change);
      this.#known += Number(change.kind === 'video');
      return;
    }
    const revision = this.#open(before);
    let entries = readEntries(this.#reader);
    const [owner] = entries;
    const isOwned = owner !== undefined && owner.version > 0;
    let at = entries.findIndex(entry => entry.place === place && entry.version > 0);
    const said = entries[at];
    // Publication rule R4: a record is applied only if its version is greater.
    if (said && said.version >= change.version) return;
    const wasKnown = isOwned && owner.kind !== WITHDRAWN;
    if (at !== 0 && change.kind === 'video' && (!isOwned || change.promoted)) {
      const former = isOwned ? [{ ...owner, kind: WITHDRAWN, revision: undefined }] : [];
      const others = entries.slice(1).filter(entry => entry !== said);
      entries = [NOBODY, ...former, ...others];
      at = 0;
    }
    const isOwner = at === 0 && !isOfCopy;
    const next = isOwner && change.kind === 'video' ? change.revision : revision;
    const entry: Entry = isOfCopy
      ? copyEntry(place, change, revision)
      : change.kind === 'withdrawn'
        ? { place, version: change.version, kind: WITHDRAWN }
        : entryOf(place, change.version, change.revision, next);
    if (!isOwner) {
      if (at < 0) entries.push(entry);
      else entries[at] = entry;
      // The site whose video it was holds it no more.
      if (at === 0) this.#known -= Number(wasKnown);
      this.#write(before, change, entries, undefined);
      return;
    }
    this.#known += Number(entry.kind !== WITHDRAWN) - Number(wasKnown);
    const others = entries.slice(1).map(other => {
      if (next === revision || other.kind === WITHDRAWN) return other;
      return entryOf(other.place, other.version, other.revision ?? revision, next);
    });
    this.#write(before, change, [entry, ...others], change);
  }

  /** Sets the reader on the entries of a video. @returns its revision. */
  #open(piece: Piece) {
    const { bytes } = this.#arena.chunkOf(piece);
    const offset = this.#arena.offsetOf(piece);
    this.#reader.open(bytes, offset + ENTRIES_AT);
    return readUuid(bytes, offset + REVISION_AT) as RegisteredVideo['revision'];
  }

  /** With no `owner`, revision and facts stay as they are; the reader then stands at the facts. */
  #write(before: Piece, change: Said, entries: readonly Entry[], owner: Said | undefined): void {
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
      // A withdrawn video keeps its revision: copies are of it, or of another.
      writer.bytes.set(bytes.subarray(start + REVISION_AT, start + ENTRIES_AT), REVISION_AT);
      if (!owner) writer.copy(bytes, this.#reader.at, start + bytes.readUInt32LE(start));
    }
    writer.bytes.writeUInt32LE(writer.length, 0);
    this.#place(before, writer.bytes, 0, writer.length);
  }

  /** Puts the bytes of a video where it was, or where there is room; `#id` is its id. */
  #place(before: Piece, from: Buffer, start: number, length: number): void {
    let piece = before;
    if (before === 0 || this.#arena.roomOf(before) < length) {
      piece = this.#arena.allocate(length + SPARE_BYTES);
    }
    this.#arena.chunkOf(piece).bytes.set(from.subarray(start, start + length), this.#arena.offsetOf(piece));
    if (piece === before) return;
    this.#index.set(this.#id, piece);
    if (before !== 0) this.#arena.release(before);
  }

  #placeFor(site: SiteId): number {
    const known = this.#places.get(site);
    if (known !== undefined) return known;
    const place = this.#siteIds.push(site) - 1;
    this.#places.set(site, place);
    return place;
  }

  find(id: VideoId): Lookup {
    writeUuid(id, this.#idBytes);
    const piece = this.#index.find(this.#id);
    if (piece === 0) return UNKNOWN;
    const revision = this.#open(piece);
    const entries = readEntries(this.#reader);
    const [owner] = entries;
    if (!owner || owner.version === 0) return UNKNOWN;
    if (owner.kind === WITHDRAWN) return GONE;
    const holders: number[] = [];
    for (const { kind, place } of entries) if (kind === SAME_REVISION) holders.push(place);
    const site = this.#siteIds[owner.place] as SiteId;
    const video = readVideo(id, site, owner.version, revision, this.#reader, this.#shapes);
    return { kind: 'known', video, holders };
  }

  /** Withdrawn ones do not count. */
  get videoCount(): number {
    return this.#known;
  }

  get sites(): readonly RegisteredSite[] {
    return [...this.#sites.values()];
  }

  findSite(id: SiteId): RegisteredSite | undefined {
    return this.#sites.get(id);
  }

  /** Each is below this number. */
  get placeCount(): number {
    return this.#siteIds.length;
  }

  /** The site of a place; places are given once and stay. */
  siteAt(place: number): SiteId {
    const id = this.#siteIds[place];
    if (id === undefined) throw new RangeError(`no site has place ${place}`);
    return id;
  }

  /** Becomes what `other` is, which must not be used any more. */
  replaceWith(other: Registry): void {
    this.#arena = other.#arena;
    this.#index = other.#index;
    this.#shapes = other.#shapes;
    this.#siteIds = other.#siteIds;
    this.#places = other.#places;
    this.#sites = other.#sites;
    this.#known = other.#known;
    this.sitesVersion++;
  }

  get seed(): number {
    return this.#index.seed;
  }

  /** Bytes that the videos take. */
  get bytes(): number {
    return this.#arena.bytes + this.#index.bytes;
  }

  /** As after the videos' bytes were taken: all that those refer to is in it. */
  tables(): RegistryTables {
    return { videos: this.#known, siteIds: this.#siteIds, sites: this.sites, shapes: this.#shapes.texts };
  }

  /**
   * The videos as bytes, slice by slice, laid out as the arena has them: chunk by chunk, of which a piece never leaves one.
   * Changes may be applied between two slices: a video is in one slice alone, as it was when that slice was made.
   */
  *slices(): Iterable<Buffer> {
    // No piece is named 0.
    yield Buffer.alloc(UNIT_BYTES);
    let at = UNIT_BYTES;
    for (let table = 0; table < TABLES; table++) {
      const slice = this.#layOut(this.#index.piecesOf(table), at);
      at += slice.length;
      if (slice.length > 0) yield slice;
    }
  }

  /** These pieces one behind the other, from `at` in the whole on; the rest of a chunk that one does not fit into is zeros. */
  #layOut(pieces: Iterable<Piece>, at: number): Buffer {
    const places: number[] = [];
    let end = at;
    for (const piece of pieces) {
      const bytes = this.#unitsOf(piece) * UNIT_BYTES;
      const left = CHUNK_BYTES - (end % CHUNK_BYTES);
      if (bytes > left) end += left;
      places.push(piece, end);
      end += bytes;
    }
    const slice = Buffer.alloc(end - at);
    for (let n = 0; n < places.length; n += 2) {
      const piece = places[n] as Piece;
      const to = (places[n + 1] as number) - at;
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
   * Takes in the next chunk of what `slices` gave, of which `length` bytes are used: they become the registry's own memory. A
   * registry that throws holds nothing that may be used. @throws Error where it is no such chunk.
   */
  adopt(bytes: Buffer, length: number): void {
    const units = Math.floor(length / UNIT_BYTES);
    this.#arena.adopt(bytes, units);
    const words = new Uint32Array(bytes.buffer);
    const perUnit = UNIT_BYTES / 4;
    for (let unit = this.#arena.pieceAt(0) === 0 ? 1 : 0; unit < units; ) {
      const taken = words[unit * perUnit] as number;
      // The rest of a chunk that the next piece did not fit into.
      if (taken === 0) break;
      const start = unit * UNIT_BYTES + HEAD_BYTES;
      const size = words[start >> 2] as number;
      if (unit + taken > units || size < LEAST_BYTES || size > taken * UNIT_BYTES - HEAD_BYTES)
        throw new Error('it is damaged');
      this.#index.add(words, (start + ID_AT) >> 2, this.#arena.pieceAt(unit));
      if (kindOfFirst(bytes, start + ENTRIES_AT) !== WITHDRAWN) this.#known++;
      unit += taken;
    }
  }

  restoreTables({ siteIds, sites, shapes }: RegistryTables): void {
    for (const id of siteIds) this.#placeFor(id);
    for (const text of shapes) this.#shapes.numberOf(text);
    this.apply(sites);
  }
}

/** Stands for the site whose video it is, before that has been heard of. */
const NOBODY: Entry = { place: 0, version: 0, kind: WITHDRAWN };

const copyEntry = (
  place: number,
  change: Extract<Said, { kind: 'copy' | 'gone' }>,
  current: VideoChange['revision'] | undefined,
): Entry => {
  const { version } = change;
  if (change.kind === 'gone') return { place, version, kind: WITHDRAWN };
  if (change.revision === current) return { place, version, kind: SAME_REVISION };
  return { place, version, kind: OTHER_REVISION, revision: change.revision };
};

/** How many entries there are takes one byte or more; the first one's kind is in the lowest bits that follow. */
function kindOfFirst(bytes: Uint8Array, entriesAt: number): number {
  let at = entriesAt;
  while ((bytes[at] as number) >= 0x80) at++;
  return (bytes[at + 1] as number) % 4;
}

const entryOf = (
  place: number,
  version: number,
  revision: VideoChange['revision'],
  current: VideoChange['revision'],
): Entry =>
  revision === current
    ? { place, version, kind: SAME_REVISION }
    : { place, version, kind: OTHER_REVISION, revision };
