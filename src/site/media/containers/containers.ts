/**
 * Entry of this folder: what a file is by its first bytes, where the samples of a container lie, how they are coded, and the
 * CMAF boxes in which they are served. Nothing here decodes a sample or writes a file.
 */
import { indexIsobmff } from './isobmff/isobmff-source.ts';
import { indexMatroska } from './matroska/matroska-source.ts';
import { parseContainerKind } from './reject-unsupported.ts';
import type { FileBytes } from './source/file-bytes.ts';
import type { IndexedSource } from './source/source-track.ts';

export { type DescribedTrack, describeTracks } from './describe/describe.ts';
export { nameIncompatibleProfile } from './describe/dolby-vision.ts';
export { formatInitSegment } from './isobmff/cmaf-init.ts';
export { cmafSegmentBytes, formatCmafSegment, type SegmentSample } from './isobmff/cmaf-segment.ts';
export {
  ColumnWriter,
  formatProgressiveHead,
  type ProgressiveTrack,
  type SampleTables,
} from './isobmff/progressive.ts';
export { type ContainerKind, SNIFF_BYTES, sniffFile } from './sniff.ts';
export { FileBytes } from './source/file-bytes.ts';
export { unmarkOpenGroups } from './source/random-access.ts';
export { presentationRange, SampleColumns, type Samples, sliceSamples } from './source/samples.ts';
export type { IndexedSource, SourceTrack } from './source/source-track.ts';
export { type TrackDescription, trackDescriptionSchema } from './source/track-description.ts';

/**
 * Finds every sample of an MP4, MOV, Matroska or WebM file.
 *
 * @throws SourceRejected if the file is of another kind, or malformed
 */
export const indexContainer = (file: FileBytes): IndexedSource =>
  parseContainerKind((position, length) => file.peek(position, length)) === 'isobmff'
    ? indexIsobmff(file)
    : indexMatroska(file);
