/** Reads blocks (RFC 9559, sections 10.2 and 10.3): track, time, and the positions of the frames, with or without lacing. */

import { damaged, truncated } from '../../source-rejected.ts';
import type { FileBytes } from '../source/file-bytes.ts';
import { readVint } from './ebml.ts';

export interface Block {
  readonly trackNumber: number;
  /** Time relative to the cluster, in segment ticks. */
  readonly time: number;
  /** The key frame flag, which only a SimpleBlock has. */
  readonly isMarkedSync: boolean;
  /** Bytes of each frame. The frames fill the rest of the block. */
  readonly frameSizes: readonly number[];
  /** Position of the first frame in the file. */
  readonly framesAt: number;
}

const MAX_HEAD_BYTES = 12;
/** Track, time, flags and 255 frame sizes seldom need more; a longer lacing header is rejected. */
const MAX_LACED_HEAD_BYTES = 4_096;

/** @throws SourceRejected if the header or the lacing is malformed */
export function readBlock(file: FileBytes, body: number, end: number): Block {
  let head = file.peek(body, Math.min(MAX_HEAD_BYTES, end - body));
  const track = readVint(head, 0);
  if (!track || head.length < track.length + 3)
    throw end > file.sizeBytes ? truncated('a frame is cut off') : damaged('a frame has no header');
  const time = head.readInt16BE(track.length);
  const flags = head[track.length + 2]!;
  const isMarkedSync = (flags & 0x80) !== 0;
  const at = track.length + 3;
  const lacing = (flags >> 1) & 3;
  const shape = { trackNumber: track.value, time, isMarkedSync };
  if (lacing === 0) return { ...shape, frameSizes: [end - body - at], framesAt: body + at };
  head = file.peek(body, Math.min(MAX_LACED_HEAD_BYTES, end - body));
  const { sizes, length } = readLace(head, at, lacing, end - body);
  return { ...shape, frameSizes: sizes, framesAt: body + length };
}

/** Section 10.3. @returns the sizes of all frames, and the length of the block before the first frame */
function readLace(
  head: Buffer,
  start: number,
  lacing: number,
  blockBytes: number,
): { readonly sizes: readonly number[]; readonly length: number } {
  const byte = (at: number): number => {
    const value = head[at];
    if (value === undefined) throw damaged('the lacing of a block is malformed');
    return value;
  };
  const count = byte(start) + 1;
  let at = start + 1;
  const sizes: number[] = [];
  let total = 0;
  const add = (size: number): void => {
    sizes.push(size);
    total += size;
  };
  if (lacing === 2) {
    const each = (blockBytes - at) / count;
    if (!Number.isInteger(each)) throw damaged('the lacing of a block is malformed');
    for (let i = 0; i < count; i++) add(each);
  } else {
    for (let i = 0; i + 1 < count; i++) {
      if (lacing === 1) {
        let size = 0;
        let part = 255;
        while (part === 255) {
          part = byte(at++);
          size += part;
        }
        add(size);
      } else {
        const size = readVint(head, at);
        if (!size) throw damaged('the lacing of a block is malformed');
        at += size.length;
        // The second and later sizes are signed differences from the size before (section 10.3.3).
        add(i === 0 ? size.value : sizes[i - 1]! + size.value - (2 ** (7 * size.length - 1) - 1));
      }
    }
    add(blockBytes - at - total);
  }
  if (sizes.some(size => !(size >= 0 && size <= blockBytes)))
    throw damaged('the lacing of a block is malformed');
  return { sizes, length: at };
}
