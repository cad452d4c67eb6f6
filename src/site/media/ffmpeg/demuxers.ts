/** How to decode from the middle of each kind of container, and what people call it. */

import type { ContainerKind } from '../containers/containers.ts';
import { type Demuxer, demuxerOf } from './allowed.ts';

export interface Container {
  readonly demuxer: Demuxer;
  /** As the record says it. */
  readonly label: string;
  /**
   * How far before a place decoding begins to be sure of the place itself, seconds. Containers with an index find the key frame
   * themselves; the others are asked for a place well before. Undefined where there are no times at all, and no place can be
   * found but the beginning: such a source is wrapped first.
   */
  readonly leadInSeconds: number | undefined;
}

const INDEXED = 0;
const FRAMES_OF_SOUND = 1;
const UNSURE = 10;

/** What a source without times is wrapped into. Its times are counted, and not sure of the first pictures after a place. */
export const WRAPPED_CONTAINER = { demuxer: 'matroska', leadInSeconds: UNSURE } as const;

const CONTAINERS: Readonly<Partial<Record<ContainerKind, readonly [string, number | undefined]>>> = {
  isobmff: ['MP4', INDEXED],
  matroska: ['Matroska', INDEXED],
  avi: ['AVI', UNSURE],
  wav: ['WAV', FRAMES_OF_SOUND],
  aiff: ['AIFF', FRAMES_OF_SOUND],
  'mpeg-ts': ['MPEG-TS', UNSURE],
  'mpeg-ps': ['MPEG-PS', UNSURE],
  'mpeg-video': ['MPEG video', undefined],
  'h264-video': ['H.264 video', undefined],
  'hevc-video': ['HEVC video', undefined],
  dv: ['DV', FRAMES_OF_SOUND],
  flv: ['FLV', UNSURE],
  asf: ['ASF', UNSURE],
  ogg: ['Ogg', UNSURE],
  realmedia: ['RealMedia', UNSURE],
  mxf: ['MXF', UNSURE],
  mp3: ['MP3', FRAMES_OF_SOUND],
  adts: ['AAC', FRAMES_OF_SOUND],
  flac: ['FLAC', FRAMES_OF_SOUND],
  ac3: ['AC-3', FRAMES_OF_SOUND],
  amr: ['AMR', FRAMES_OF_SOUND],
  caf: ['CAF', FRAMES_OF_SOUND],
};

/** Undefined of what is no film or sound. */
export function findContainer(kind: ContainerKind): Container | undefined {
  const demuxer = demuxerOf(kind);
  const [label = demuxer ?? '', leadInSeconds] = CONTAINERS[kind] ?? [];
  return demuxer && { demuxer, label, leadInSeconds };
}
