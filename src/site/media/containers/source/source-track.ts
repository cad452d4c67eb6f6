/** What a container reader hands on: where the samples are, in the source's own order and time. */
import type { Samples } from './samples.ts';

export interface SourceTrack {
  /** The container's own number of the track: `track_ID` (ISO/IEC 14496-12), `TrackNumber` (RFC 9559). */
  readonly id: number;
  readonly kind: 'video' | 'audio';
  /** The container's own name of the codec: sample entry type, or `CodecID`. */
  readonly codecName: string;
  /** The author meant it to be shown by default. */
  readonly isEnabled: boolean;
  /** Ticks a second. */
  readonly timescale: number;
  /** Presentation times are on the film's common timeline: zero is the same instant in all tracks. May be negative. */
  readonly samples: Samples;
  /** Bytes that stand before every sample's bytes and are stored once (Matroska header stripping). */
  readonly samplePrefix: Buffer;
  /** Boxes or bytes of the codec configuration as the container holds them, by name: `av1C`, `colr`, `private` … */
  readonly configuration: ReadonlyMap<string, Buffer>;
  /** Nine numbers of the transformation matrix, 16.16 and 2.30 fixed point (ISO/IEC 14496-12, section 8.3.2). */
  readonly matrix: readonly number[] | undefined;
}

export interface IndexedSource {
  readonly container: 'MP4' | 'MOV' | 'Matroska' | 'WebM';
  readonly tracks: readonly SourceTrack[];
  /**
   * A tiny file of the same container: its headers, and one sample of each track, and nothing more. What describes the
   * codecs reads this and never the upload, so no table or tree of the upload can keep it busy.
   */
  readonly head: Buffer;
}
