/**
 * The plan of a download: of which files of the revision the downloaded file consists. A site makes it once from its index, and every
 * holder follows it, so a download has the same bytes everywhere and can be resumed at another site.
 *
 *     magic "TRIBDWN1" | u32 header length | header (JSON) | parts (20 bytes each)
 *
 * Numbers are little-endian. A part: u8 kind, 3 zero bytes, u32 folder, u32 number of the file, u32 first byte, u32 end.
 */
import * as z from 'zod';
import { mediaSegment } from './media-address.ts';

const MAGIC_TEXT = 'TRIBDWN1';
const MAGIC = Buffer.from(MAGIC_TEXT);
const PREFIX_BYTES = MAGIC.length + 4;
const PART_BYTES = 20;
const MAX_HEADER_BYTES = 64 * 1024;

/** The plan, in the folder of the rendition or of the source. */
export const DOWNLOAD_PLAN = 'download.bin';
/** The boxes before the samples, in the folder of the rendition. */
export const DOWNLOAD_HEAD = 'head.bin';
const sourcePiece = (number: number): string => `${number}.bin`;

/** A part is a span of the head of a rendition, of one of its segments, or of a piece of the source. */
const FILES = [() => DOWNLOAD_HEAD, mediaSegment, sourcePiece] as const;
export const PART = { head: 0, segment: 1, source: 2 } as const;

const headerSchema = z.strictObject({
  contentType: z.string().regex(/^[a-z]+\/[a-z0-9.+-]{1,40}$/),
  /** Extension of the file name. */
  extension: z.string().regex(/^[a-z0-9]{1,8}$/),
  /** A strong entity tag (RFC 9110, section 8.8.3). */
  etag: z.string().regex(/^"[\x21\x23-\x7e]{1,500}"$/),
  sizeBytes: z.int().positive(),
  folders: z.array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/)).max(64),
});

export interface DownloadPart {
  readonly kind: (typeof PART)[keyof typeof PART];
  /** Index into `folders`. */
  readonly folder: number;
  readonly number: number;
  /** The bytes of the file from `start` up to, but not including, `end`. */
  readonly start: number;
  readonly end: number;
}

export type DownloadHeader = z.infer<typeof headerSchema>;

export interface DownloadPlan extends DownloadHeader {
  readonly partCount: number;
  /** The part at this index: the file relative to the revision, its span, and the position of the span in the download. */
  partAt(index: number): {
    readonly file: string;
    readonly start: number;
    readonly end: number;
    readonly at: number;
  };
  /** The index of the part that contains this byte of the download. */
  findPart(position: number): number;
}

export function formatDownloadPlan(header: DownloadHeader, parts: readonly DownloadPart[]): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const body = Buffer.alloc(PREFIX_BYTES + json.length + parts.length * PART_BYTES);
  MAGIC.copy(body);
  body.writeUInt32LE(json.length, MAGIC.length);
  json.copy(body, PREFIX_BYTES);
  for (const [index, { kind, folder, number, start, end }] of parts.entries()) {
    const at = PREFIX_BYTES + json.length + index * PART_BYTES;
    body.writeUInt8(kind, at);
    body.writeUInt32LE(folder, at + 4);
    body.writeUInt32LE(number, at + 8);
    body.writeUInt32LE(start, at + 12);
    body.writeUInt32LE(end, at + 16);
  }
  return body;
}

/** @throws Error if these bytes are not a plan, or their parts do not add up to its size */
export function parseDownloadPlan(bytes: Buffer): DownloadPlan {
  const headerBytes = bytes.length < PREFIX_BYTES ? 0 : bytes.readUInt32LE(MAGIC.length);
  const partsAt = PREFIX_BYTES + headerBytes;
  const count = (bytes.length - partsAt) / PART_BYTES;
  const isPlan = bytes.subarray(0, MAGIC.length).equals(MAGIC) && headerBytes <= MAX_HEADER_BYTES;
  if (!isPlan || !Number.isInteger(count) || count < 1) throw notPlan();
  const header = headerSchema.parse(JSON.parse(bytes.toString('utf8', PREFIX_BYTES, partsAt)));
  const positions = new Float64Array(count + 1);
  const read = (index: number, field: number): number =>
    bytes.readUInt32LE(partsAt + index * PART_BYTES + field);
  for (let index = 0; index < count; index++) {
    const length = read(index, 16) - read(index, 12);
    const isKnown = (read(index, 0) & 0xff) < FILES.length && read(index, 4) < header.folders.length;
    if (length < 0 || !isKnown) throw notPlan();
    positions[index + 1] = (positions[index] ?? 0) + length;
  }
  if (positions[count] !== header.sizeBytes) throw notPlan();
  return {
    ...header,
    partCount: count,
    partAt(index) {
      const name = FILES[read(index, 0) & 0xff] ?? FILES[0];
      return {
        file: `${header.folders[read(index, 4)]}/${name(read(index, 8))}`,
        start: read(index, 12),
        end: read(index, 16),
        at: positions[index] ?? 0,
      };
    },
    findPart(position) {
      let low = 0;
      let high = count - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((positions[middle] ?? 0) <= position) low = middle;
        else high = middle - 1;
      }
      return low;
    },
  };
}

const notPlan = (): Error => new Error('the plan of a download is damaged');
