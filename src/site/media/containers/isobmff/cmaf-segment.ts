/** Formats the boxes of CMAF media segments (ISO/IEC 23000-19, section 7.3). The caller adds the samples' bytes. */
import { u32 } from './box.ts';

/** A sample of a segment, in decode order. Times are ticks. */
export interface SegmentSample {
  readonly sizeBytes: number;
  readonly duration: number;
  readonly compositionOffset: number;
  readonly isSync: boolean;
}

const STYP_BYTES = 20;
const MOOF_BYTES_BEFORE_SAMPLES = 8 + 16 + 8 + 16 + 20 + 20;
const MDAT_HEADER_BYTES = 8;

const TFHD_BASE_IS_MOOF = 0x2_0000;
const TRUN_DATA_OFFSET = 0x1;
const TRUN_DURATION = 0x100;
const TRUN_SIZE = 0x200;
const TRUN_FLAGS = 0x400;
const TRUN_COMPOSITION = 0x800;
/** `sample_depends_on` is 2: the sample depends on no other (ISO/IEC 14496-12, section 8.8.3.1). */
const SYNC_FLAGS = 0x200_0000;
const NON_SYNC_FLAGS = 0x101_0000;

const bytesPerSample = (kind: 'video' | 'audio', hasComposition: boolean): number =>
  8 + (kind === 'video' ? 4 : 0) + (hasComposition ? 4 : 0);

const headerBytes = (kind: 'video' | 'audio', hasComposition: boolean, sampleCount: number): number =>
  STYP_BYTES +
  MOOF_BYTES_BEFORE_SAMPLES +
  sampleCount * bytesPerSample(kind, hasComposition) +
  MDAT_HEADER_BYTES;

/** Returns the size of the whole segment in bytes. */
export const cmafSegmentBytes = (
  kind: 'video' | 'audio',
  hasComposition: boolean,
  sampleCount: number,
  dataBytes: number,
): number => headerBytes(kind, hasComposition, sampleCount) + dataBytes;

interface CmafSegment {
  readonly kind: 'video' | 'audio';
  /** Samples carry composition offsets. */
  readonly hasComposition: boolean;
  /** Number of the segment, from 0. */
  readonly number: number;
  /** Decode time of the first sample. */
  readonly decodeTime: number;
  readonly samples: readonly SegmentSample[];
  /** Total size of the samples. */
  readonly dataBytes: number;
}

/**
 * Allocates a segment and writes everything except the samples' bytes.
 *
 * @returns the segment, and the position at which the caller writes the samples' bytes one after another
 */
export function formatCmafSegment({
  kind,
  hasComposition,
  number,
  decodeTime,
  samples,
  dataBytes,
}: CmafSegment): { readonly bytes: Buffer; readonly dataStart: number } {
  const dataStart = headerBytes(kind, hasComposition, samples.length);
  const bytes = Buffer.allocUnsafeSlow(dataStart + dataBytes);
  let at = 0;
  const u32At = (value: number): void => {
    at = bytes.writeUInt32BE(value >>> 0, at);
  };
  const box = (size: number, type: string): void => {
    u32At(size);
    at += bytes.write(type, at, 'latin1');
  };
  const moofBytes = dataStart - STYP_BYTES - MDAT_HEADER_BYTES;
  box(STYP_BYTES, 'styp');
  bytes.set(STYP_BODY, at);
  at += STYP_BODY.length;
  box(moofBytes, 'moof');
  box(16, 'mfhd');
  u32At(0);
  u32At(number + 1);
  box(moofBytes - 24, 'traf');
  box(16, 'tfhd');
  u32At(TFHD_BASE_IS_MOOF);
  u32At(TRACK_ID);
  box(20, 'tfdt');
  u32At(0x100_0000);
  u32At(Math.floor(decodeTime / 2 ** 32));
  u32At(decodeTime % 2 ** 32);
  box(moofBytes - 68, 'trun');
  u32At(
    0x100_0000 |
      TRUN_DATA_OFFSET |
      TRUN_DURATION |
      TRUN_SIZE |
      (kind === 'video' ? TRUN_FLAGS : 0) |
      (hasComposition ? TRUN_COMPOSITION : 0),
  );
  u32At(samples.length);
  u32At(moofBytes + MDAT_HEADER_BYTES);
  for (const sample of samples) {
    u32At(sample.duration);
    u32At(sample.sizeBytes);
    if (kind === 'video') u32At(sample.isSync ? SYNC_FLAGS : NON_SYNC_FLAGS);
    if (hasComposition) u32At(sample.compositionOffset);
  }
  box(MDAT_HEADER_BYTES + dataBytes, 'mdat');
  return { bytes, dataStart };
}

/** Every rendition has one track. */
export const TRACK_ID = 1;
const STYP_BODY = Buffer.concat([Buffer.from('msdh'), u32(0), Buffer.from('msdh')]);
