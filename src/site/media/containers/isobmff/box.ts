/** Reads boxes (ISO/IEC 14496-12, section 4.2) out of hostile bytes without recursion, and formats them. */
import { damaged } from '../../source-rejected.ts';

export interface Box {
  readonly type: string;
  /** Offset of the size field in the buffer. */
  readonly start: number;
  /** Offset of the first byte after the header. */
  readonly body: number;
  readonly end: number;
}

/**
 * Lists the boxes of `buffer[from, to)`, one level deep. Trailing bytes too short for a header (QuickTime's terminators) are
 * skipped.
 *
 * @throws SourceRejected if a box reaches beyond `to`
 */
export function* listBoxes(buffer: Buffer, from = 0, to = buffer.length): Generator<Box> {
  let at = from;
  while (at + 8 <= to) {
    let size = buffer.readUInt32BE(at);
    let body = at + 8;
    if (size === 1) {
      if (at + 16 > to) throw damaged('a box in its index has no size');
      size = readUInt64(buffer, at + 8);
      body = at + 16;
    } else if (size === 0) {
      size = to - at;
    }
    if (size < body - at || size > to - at)
      throw damaged('a box in its index is larger than the box around it');
    yield { type: buffer.toString('latin1', at + 4, at + 8), start: at, body, end: at + size };
    at += size;
  }
}

/** Follows `path` from `parent` downwards; returns the first box of each type, or undefined if one is missing. */
export function findBox(
  buffer: Buffer,
  parent: Box | undefined,
  ...path: readonly string[]
): Box | undefined {
  let found = parent;
  for (const type of path) {
    if (!found) return undefined;
    let child: Box | undefined;
    for (const box of listBoxes(buffer, found.body, found.end)) {
      if (box.type === type) {
        child = box;
        break;
      }
    }
    found = child;
  }
  return found;
}

/** @returns infinity from 2^53 on, which fails every later check */
export function readUInt64(buffer: Buffer, at: number): number {
  const high = buffer.readUInt32BE(at);
  return high >= 0x20_0000 ? Number.POSITIVE_INFINITY : high * 2 ** 32 + buffer.readUInt32BE(at + 4);
}

/** @throws SourceRejected if the box has fewer than `length` bytes after its header */
export function needBody(box: Box, length: number): void {
  if (box.end - box.body < length) throw damaged(`its "${printable(box.type)}" box is too short`);
}

/** Makes a box type safe to show in a message: only printable ASCII remains. */
export const printable = (type: string): string => type.replaceAll(/[^\x20-\x7e]/g, '?').trim();

/** Formats a box with the given parts as its body. */
export function formatBox(type: string, ...parts: readonly (Buffer | readonly number[])[]): Buffer {
  const buffers = parts.map(part => (Buffer.isBuffer(part) ? part : Buffer.from(part)));
  const size = buffers.reduce((sum, part) => sum + part.length, 8);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(size, 0);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, ...buffers], size);
}

/** Formats a FullBox (section 4.2.2). */
export const formatFullBox = (
  type: string,
  version: number,
  flags: number,
  ...parts: readonly (Buffer | readonly number[])[]
): Buffer => formatBox(type, u32(version * 2 ** 24 + flags), ...parts);

export function u16(...values: readonly number[]): Buffer {
  const out = Buffer.alloc(values.length * 2);
  for (const [i, value] of values.entries()) out.writeUInt16BE(value & 0xffff, i * 2);
  return out;
}

export function u32(...values: readonly number[]): Buffer {
  const out = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) out.writeUInt32BE(value >>> 0, i * 4);
  return out;
}

export function u64(value: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeUInt32BE(Math.floor(value / 2 ** 32), 0);
  out.writeUInt32BE(value % 2 ** 32, 4);
  return out;
}
