/**
 * Entry of this folder: from a source or encoded chunks to an index file, from which segments are cut. Indexing reads a file;
 * it never changes one.
 */
export { type EncodedTrack, indexEncoded } from './index-encoded.ts';
export {
  type IndexedFile,
  type IndexedRendition,
  MAX_INDEXED_FILES,
  type RenditionToIndex,
  SourceIndex,
  writeSourceIndex,
} from './index-file.ts';
export { isServable, type PreparedSource, prepareSource } from './prepare.ts';
export { prepareInWorker } from './prepare-in-worker.ts';
export { measureBandwidth, type PlannedSegment } from './segment-plan.ts';
