/** The result of reading a container: its tracks with their samples, in the order and the times of the source. */
import type { TrackPosition } from '../../video-track.ts';
import type { Samples } from './samples.ts';

export interface SourceTrack {
  /** Number of the track in the container: `track_ID` (ISO/IEC 14496-12) or `TrackNumber` (RFC 9559). */
  readonly id: number;
  readonly kind: 'video' | 'audio';
  /** Name of the codec in the container: sample entry type or `CodecID`. */
  readonly codecName: string;
  /** The author enabled the track: others are alternatives or chapter images. */
  readonly isEnabled: boolean;
  /** The author marked the track to be used unless a viewer chooses another. */
  readonly isDefault: boolean;
  /** Width times height of a video track, as the container declares them; 0 for audio. */
  readonly pixels: number;
  readonly position: TrackPosition;
  /** Ticks per second. */
  readonly timescale: number;
  /** Presentation times are on the source's timeline: zero is the same instant in all tracks. They may be negative. */
  readonly samples: Samples;
  /** Samples that an edit list hides; they are only kept because others are decoded from them. Absent if there are none. */
  readonly hiddenSamples?: number;
  /** Bytes that precede every sample and are stored once (Matroska header stripping); usually empty. */
  readonly samplePrefix: Buffer;
  /** Codec configuration as stored in the container, by name: `av1C`, `colr`, `private` … */
  readonly configuration: ReadonlyMap<string, Buffer>;
  /** The transformation matrix, nine numbers in 16.16 and 2.30 fixed point (ISO/IEC 14496-12, section 8.3.2). */
  readonly matrix: readonly number[] | undefined;
}

export interface IndexedSource {
  readonly container: 'MP4' | 'MOV' | 'Matroska' | 'WebM';
  readonly tracks: readonly SourceTrack[];
  /** The end of the file is missing. The tracks end where the file ends. */
  readonly isCutOff: boolean;
  /**
   * A tiny file in the same container with only the headers and one sample of each track. The codecs are described from this
   * file and never from the upload, so no table or tree of the upload can make the general-purpose reader slow.
   */
  readonly head: Buffer;
}
