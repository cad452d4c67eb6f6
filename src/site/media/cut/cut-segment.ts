/** Cuts one media segment: writes the CMAF boxes, and reads the samples of the segment from the stored file behind them. */
import type { IFrame } from '../../../protocol/media/media-playlist.ts';
import { cmafSegmentBytes, formatCmafSegment } from '../containers/containers.ts';
import type { IndexedRendition } from '../index/source-index.ts';
import type { MediaFiles } from './media-files.ts';

export interface StoredRendition {
  readonly indexed: IndexedRendition;
  readonly files: MediaFiles;
}

/** The first picture of each segment of a video rendition, which begins with it. */
export async function listIFrames(indexed: IndexedRendition): Promise<readonly IFrame[]> {
  const { description, hasComposition } = indexed.header;
  const frames: IFrame[] = [];
  for (const [number, seconds] of indexed.listDurations().entries()) {
    const segment = indexed.findSegment(number);
    if (!segment) break;
    const samples = await indexed.readSamples(segment);
    const headerBytes = cmafSegmentBytes(description.kind, hasComposition, samples.length, 0);
    frames.push({ seconds, sizeBytes: headerBytes + (samples[0]?.sizeBytes ?? 0) });
  }
  return frames;
}

/** @param number from 0. @returns the segment, or undefined if the rendition has no segment of this number */
export async function cutSegment(
  { indexed, files }: StoredRendition,
  number: number,
): Promise<Buffer | undefined> {
  const segment = indexed.findSegment(number);
  if (!segment) return undefined;
  const { description, hasComposition, samplePrefix } = indexed.header;
  const prefix = Buffer.from(samplePrefix, 'base64');
  const stored = await indexed.readSamples(segment);
  const samples =
    prefix.length === 0 ? stored : stored.map(s => ({ ...s, sizeBytes: s.sizeBytes + prefix.length }));
  const { bytes, dataStart } = formatCmafSegment({
    kind: description.kind,
    hasComposition,
    number,
    decodeTime: segment.decodeTime,
    samples,
    dataBytes: segment.dataBytes,
  });
  let at = dataStart;
  const pieces = stored.map(({ file, offset, sizeBytes }) => {
    if (prefix.length > 0) at += prefix.copy(bytes, at);
    const piece = { file, position: offset, length: sizeBytes, target: at };
    at += sizeBytes;
    return piece;
  });
  await files.read(bytes, pieces);
  return bytes;
}
