/**
 * The bytes that the registry stores for one video: its id and revision, the state at each site, and the facts for
 * players.
 *
 *     length (4 bytes) · id (16) · revision (16) · entries · facts
 *
 * The first entry belongs to the site that published the video, as do revision and facts. Properties that videos share
 * (codecs, sizes, languages of the renditions) are stored once, in a shape (`shapes.ts`). Pure.
 */

import type { RevisionId, SiteId, VideoId } from '../../protocol/base/ids.ts';
import type { Change } from '../../protocol/central.ts';
import type { Rendition } from '../../protocol/media/media.ts';
import { type ByteReader, type ByteWriter, readUuid, UUID_BYTES, writeUuid } from './bytes.ts';
import type { Shape, Shapes } from './shapes.ts';

export type VideoChange = Extract<Change, { kind: 'video' }>;
export interface RegisteredVideo extends Omit<VideoChange, 'kind' | 'position' | 'publishAt' | 'withdrawAt'> {
  /** Milliseconds since 1970; 0: none. */
  readonly publishAtMs: number;
  readonly withdrawAtMs: number;
}

export const ID_AT = 4;
export const REVISION_AT = ID_AT + UUID_BYTES;
export const ENTRIES_AT = REVISION_AT + UUID_BYTES;

/** The state at a site: withdrawn, holds this revision, or holds another revision (which follows). */
export const WITHDRAWN = 0;
export const SAME_REVISION = 1;
export const OTHER_REVISION = 2;

/** The state of the video at one site. */
export interface Entry {
  /** The site's number in the registry. */
  readonly siteNumber: number;
  readonly version: number;
  readonly kind: number;
  /** Only with `OTHER_REVISION`. */
  readonly revision?: RevisionId | undefined;
}

export function readEntries(reader: ByteReader): Entry[] {
  const count = reader.number();
  const entries: Entry[] = [];
  for (let index = 0; index < count; index++) {
    const head = reader.number();
    const version = reader.number();
    const kind = head % 4;
    let revision: RevisionId | undefined;
    if (kind === OTHER_REVISION) {
      revision = readUuid(reader.bytes, reader.at) as RevisionId;
      reader.at += UUID_BYTES;
    }
    entries.push({ siteNumber: Math.floor(head / 4), version, kind, revision });
  }
  return entries;
}

export function writeEntries(writer: ByteWriter, entries: readonly Entry[]): void {
  writer.number(entries.length);
  for (const { siteNumber, version, kind, revision } of entries) {
    writer.number(siteNumber * 4 + kind);
    writer.number(version);
    if (kind === OTHER_REVISION && revision) {
      writer.reserve(UUID_BYTES);
      writeUuid(revision, writer.bytes, writer.length);
      writer.length += UUID_BYTES;
    }
  }
}

export function writeFacts(writer: ByteWriter, shapes: Shapes, change: VideoChange): void {
  writer.number(change.bitrateBps);
  writer.number(change.durationMs);
  writer.text(change.name);
  const shape: Shape = {
    renditions: change.renditions.map(each => ({ ...each, bandwidthBps: 0, averageBandwidthBps: 0 })),
    ...(change.isGrowing ? { isGrowing: true } : {}),
    ...(change.isPrivate ? { isPrivate: true } : {}),
    ...(change.isInternal ? { isInternal: true } : {}),
    ...(change.publishAt || change.withdrawAt ? { isScheduled: true } : {}),
    ...(change.downloads ? { downloads: change.downloads } : {}),
  };
  const text = JSON.stringify(shape);
  const number = shapes.numberOf(text);
  writer.number(number);
  if (number === 0) writer.text(text);
  for (const { bandwidthBps, averageBandwidthBps } of change.renditions) {
    writer.number(bandwidthBps);
    writer.number(averageBandwidthBps);
  }
  if (!shape.isScheduled) return;
  for (const time of [change.publishAt, change.withdrawAt])
    writer.number(time === undefined ? 0 : Math.max(0, Date.parse(time)));
}

type VideoIdentity = Pick<RegisteredVideo, 'video' | 'site' | 'version' | 'revision'>;

/** A video as others read it. Its renditions are built on access, because most responses do not need them. */
class Video implements RegisteredVideo {
  readonly video: VideoId;
  readonly site: SiteId;
  readonly version: number;
  readonly revision: RevisionId;
  readonly name: string;
  readonly bitrateBps: number;
  readonly durationMs: number;
  readonly publishAtMs: number;
  readonly withdrawAtMs: number;
  readonly #shape: Shape;
  readonly #rates: readonly number[];

  constructor({ video, site, version, revision }: VideoIdentity, reader: ByteReader, shapes: Shapes) {
    this.video = video;
    this.site = site;
    this.version = version;
    this.revision = revision;
    this.bitrateBps = reader.number();
    this.durationMs = reader.number();
    this.name = reader.text();
    const number = reader.number();
    this.#shape = number === 0 ? shapes.parse(reader.text()) : shapes.get(number);
    const rates: number[] = [];
    for (let left = this.#shape.renditions.length * 2; left > 0; left--) rates.push(reader.number());
    this.#rates = rates;
    const { isScheduled } = this.#shape;
    this.publishAtMs = isScheduled ? reader.number() : 0;
    this.withdrawAtMs = isScheduled ? reader.number() : 0;
  }

  get isGrowing(): true | undefined {
    return this.#shape.isGrowing;
  }

  get isPrivate(): true | undefined {
    return this.#shape.isPrivate;
  }

  get isInternal(): true | undefined {
    return this.#shape.isInternal;
  }

  get downloads(): 'source' | 'renditions' | undefined {
    return this.#shape.downloads;
  }

  get renditions(): Rendition[] {
    return this.#shape.renditions.map((rendition, index) => ({
      ...rendition,
      bandwidthBps: this.#rates[index * 2] ?? 0,
      averageBandwidthBps: this.#rates[index * 2 + 1] ?? 0,
    }));
  }
}
/** Reads the facts at the position of the reader. */
export const readVideo = (identity: VideoIdentity, reader: ByteReader, shapes: Shapes): RegisteredVideo =>
  new Video(identity, reader, shapes);
