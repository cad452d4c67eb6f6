/** Reads EBML elements (RFC 8794) out of hostile bytes: one header at a time from a file, or a flat list from a buffer. */

import { damaged } from '../../source-rejected.ts';
import type { FileBytes } from '../source/file-bytes.ts';

export interface EbmlElement {
  /** The id with its length marker, as in the specifications: 0x1A45DFA3. */
  readonly id: number;
  /** Position of the first byte after the header, in the file or the buffer. */
  readonly body: number;
  /** Infinite if the size is unknown (RFC 8794, section 6.2). */
  readonly end: number;
}

const MAX_ID_BYTES = 4;
const MAX_SIZE_BYTES = 8;

/** @returns undefined if the file ends within the header */
export function readElementHeader(file: FileBytes, position: number): EbmlElement | undefined {
  return parseElementHeader(file.peek(position, MAX_ID_BYTES + MAX_SIZE_BYTES), 0, position);
}

/** Lists the elements of a buffer, one level deep. @throws SourceRejected if one reaches beyond the buffer */
export function* listElements(buffer: Buffer): Generator<EbmlElement> {
  let at = 0;
  while (at < buffer.length) {
    const element = parseElementHeader(buffer, at, at);
    if (!element || element.end > buffer.length) throw damaged('an element of its headers is cut off');
    yield element;
    at = element.end;
  }
}

function parseElementHeader(bytes: Buffer, at: number, position: number): EbmlElement | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  const idBytes = Math.clz32(first) - 23;
  if (idBytes > MAX_ID_BYTES) throw damaged('its structure is corrupt');
  if (at + idBytes >= bytes.length) return undefined;
  const id = bytes.readUIntBE(at, idBytes);
  const size = readVint(bytes, at + idBytes);
  if (!size) return undefined;
  const body = position + idBytes + size.length;
  return { id, body, end: size.isUnknown ? Number.POSITIVE_INFINITY : body + size.value };
}

interface Vint {
  /** Infinity from 2^53 on, which fails every later check. */
  readonly value: number;
  readonly length: number;
  /** All value bits are set: the size is unknown. */
  readonly isUnknown: boolean;
}

/** Reads a variable-size integer without its marker (RFC 8794, section 4); undefined if the bytes end before. */
export function readVint(bytes: Buffer, at: number): Vint | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  const length = Math.clz32(first) - 23;
  if (length > MAX_SIZE_BYTES) throw damaged('its structure is corrupt');
  if (at + length > bytes.length) return undefined;
  let value = first & (0xff >> length);
  let isUnknown = value === 0xff >> length;
  for (let i = 1; i < length; i++) {
    value = value * 256 + bytes[at + i]!;
    if (bytes[at + i] !== 0xff) isUnknown = false;
  }
  return { value: Number.isSafeInteger(value) ? value : Number.POSITIVE_INFINITY, length, isUnknown };
}

/** Reads an unsigned integer element (RFC 8794, section 7.2). @throws SourceRejected from 2^53 on */
export function readUint(buffer: Buffer, element: EbmlElement): number {
  if (element.end - element.body > 8) throw damaged('a number in its headers is too long');
  let value = 0;
  for (let i = element.body; i < element.end; i++) value = value * 256 + buffer[i]!;
  if (!Number.isSafeInteger(value)) throw damaged('a number in its headers is too large');
  return value;
}

/** Reads a float element (RFC 8794, section 7.3). */
export function readFloat(buffer: Buffer, element: EbmlElement): number {
  const length = element.end - element.body;
  if (length === 0) return 0;
  if (length === 4) return buffer.readFloatBE(element.body);
  if (length === 8) return buffer.readDoubleBE(element.body);
  throw damaged('a number in its headers is malformed');
}

/** Reads a string element (RFC 8794, section 7.4), which ends at its first zero byte or after 256 bytes. */
export function readString(buffer: Buffer, element: EbmlElement): string {
  const text = buffer.toString('latin1', element.body, Math.min(element.end, element.body + 256));
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

/** @param id with its length marker */
export function formatElement(id: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const idBytes = id > 0xff_ffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1;
  const header = Buffer.alloc(idBytes + 8);
  header.writeUIntBE(id, 0, idBytes);
  // The size takes eight bytes with its marker. Bodies are far smaller than 2^48 bytes.
  header[idBytes] = 1;
  header.writeUIntBE(body.length, idBytes + 2, 6);
  return Buffer.concat([header, body]);
}
