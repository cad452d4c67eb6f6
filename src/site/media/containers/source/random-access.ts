/**
 * Finds the samples at which a decoder can really begin. Containers also mark frames as sync samples that only begin an open group
 * of pictures: recovery points and I-frames that are not IDR, whose neighbours refer to frames before them. Players that seek there
 * stop. Only stream access points of type 1 (ISO/IEC 14496-12, annex I) remain marked: all frames from there on can be decoded, and
 * none of them is shown earlier.
 */
import type { FileBytes } from './file-bytes.ts';
import type { SourceTrack } from './source-track.ts';
import type { VideoDescription } from './track-description.ts';

type CodedVideo = Pick<VideoDescription, 'family' | 'configuration'>;

/** Unmarks the other sync samples of a track. @returns how many; and whether its first sync sample is one of them */
export function unmarkOpenGroups(
  file: FileBytes,
  track: Pick<SourceTrack, 'samples' | 'samplePrefix'>,
  video: CodedVideo,
): { readonly unmarked: number; readonly isFirst: boolean } {
  const { samples, samplePrefix } = track;
  const { count, sync, presentationTimes, offsets, sizes } = samples;
  let unmarked = 0;
  let isFirst = false;
  let isFirstSync = true;
  for (let i = 0; i < count; i++) {
    if (sync[i] !== 1) continue;
    let hasLeading = false;
    for (let j = i + 1; j < count && sync[j] !== 1 && !hasLeading; j++)
      hasLeading = presentationTimes[j]! < presentationTimes[i]!;
    const sample = new SampleBytes(file, samplePrefix, offsets[i]!, sizes[i]!);
    if (hasLeading || !isRandomAccess(sample, video)) {
      sync[i] = 0;
      unmarked++;
      isFirst ||= isFirstSync;
    }
    isFirstSync = false;
  }
  return { unmarked, isFirst };
}

/** The bytes of a sample, with the prefix that is stored only once. */
class SampleBytes {
  readonly sizeBytes: number;
  readonly #file: FileBytes;
  readonly #prefix: Buffer;
  readonly #offset: number;

  constructor(file: FileBytes, prefix: Buffer, offset: number, sizeBytes: number) {
    this.#file = file;
    this.#prefix = prefix;
    this.#offset = offset;
    this.sizeBytes = prefix.length + sizeBytes;
  }

  /** Returns up to `length` bytes, fewer at the end of the sample. */
  peek(at: number, length: number): Buffer {
    const prefixBytes = this.#prefix.length;
    const to = Math.min(at + length, this.sizeBytes);
    if (at >= prefixBytes) return this.#file.peek(this.#offset + at - prefixBytes, Math.max(0, to - at));
    const rest = this.#file.peek(this.#offset, Math.max(0, to - prefixBytes));
    return Buffer.concat([this.#prefix.subarray(at, to), rest]);
  }
}

/** A sample with more parts than this before its first frame is not a sync sample. */
const MAX_PARTS = 100;

function isRandomAccess(sample: SampleBytes, { family, configuration }: CodedVideo): boolean {
  switch (family) {
    case 'h264':
      return isIdr(sample, Buffer.from(configuration, 'base64')[4], byte => {
        const type = byte & 31;
        return type >= 1 && type <= 5 ? type === 5 : undefined;
      });
    case 'hevc':
      return isIdr(sample, Buffer.from(configuration, 'base64')[21], byte => {
        const type = (byte >> 1) & 63;
        return type <= 31 ? type >= 16 && type <= 21 : undefined;
      });
    case 'vp9':
      return isVp9KeyFrame(sample);
    case 'av1':
      return isAv1KeyFrame(sample);
  }
}

/**
 * Looks for the first slice (ISO/IEC 14496-10, table 7-1; ISO/IEC 23008-2, table 7-1).
 *
 * @param lengthByte its two lowest bits are the size of a length field minus 1 (ISO/IEC 14496-15)
 * @param parse takes the first byte of a NAL unit; undefined if it is not a slice
 */
function isIdr(
  sample: SampleBytes,
  lengthByte: number | undefined,
  parse: (byte: number) => boolean | undefined,
): boolean {
  const lengthBytes = ((lengthByte ?? 3) & 3) + 1;
  let at = 0;
  for (let part = 0; part < MAX_PARTS; part++) {
    const head = sample.peek(at, lengthBytes + 1);
    if (head.length <= lengthBytes) return false;
    const length = head.readUIntBE(0, lengthBytes);
    const found = length === 0 ? undefined : parse(head[lengthBytes]!);
    if (found !== undefined) return found;
    at += lengthBytes + length;
  }
  return false;
}

/** VP9 bitstream specification, section 6.2: marker (2 bits), profile (2 or 3), show_existing_frame, frame_type. */
function isVp9KeyFrame(sample: SampleBytes): boolean {
  const [byte] = sample.peek(0, 1);
  if (byte === undefined || byte >> 6 !== 2) return false;
  const profileBits = (byte & 0x30) === 0x30 ? 3 : 2;
  return ((byte >> (4 - profileBits)) & 3) === 0;
}

const OBU_SEQUENCE_HEADER = 1;
const OBU_FRAME_HEADER = 3;
const OBU_FRAME = 6;

/** AV1 bitstream specification, sections 5.3 and 5.9.2: show_existing_frame, frame_type (2 bits), show_frame. */
function isAv1KeyFrame(sample: SampleBytes): boolean {
  let at = 0;
  let isStillPicture = false;
  for (let part = 0; part < MAX_PARTS; part++) {
    const head = sample.peek(at, 12);
    const [first] = head;
    if (first === undefined) return false;
    const type = (first >> 3) & 15;
    let body = (first & 4) === 0 ? 1 : 2;
    let length = sample.sizeBytes - at - body;
    if ((first & 2) !== 0) {
      length = 0;
      for (let shift = 1; ; shift *= 128) {
        const byte = head[body++];
        if (byte === undefined) return false;
        length += (byte & 127) * shift;
        if (byte < 128) break;
      }
    }
    const [byte = 0] = sample.peek(at + body, 1);
    if (type === OBU_SEQUENCE_HEADER) isStillPicture = (byte & 0x08) !== 0;
    if (type === OBU_FRAME || type === OBU_FRAME_HEADER) return isStillPicture || byte >> 4 === 1;
    at += body + length;
  }
  return false;
}
