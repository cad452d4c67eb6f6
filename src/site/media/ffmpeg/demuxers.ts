/**
 * Which demuxer of ffmpeg reads each kind of file that `sniff` knows, and how it seeks. The demuxer is always forced: left to
 * choose, ffmpeg takes a text file named .mp4 for a playlist and opens the files that it lists.
 */
import type { ContainerKind } from '../containers/containers.ts';

/** Seeking is exact: the container has an index, or the demuxer searches for the key frame. */
const EXACT = 0;
/** One second of audio frames, which all decode independently or after a few others. */
const AUDIO = 1;
/** Seeking lands near the requested time, perhaps after it. */
const INEXACT = 10;
/** The stream has no timestamps, so it cannot be seeked at all. */
const NO_TIMESTAMPS = undefined;

const CONTAINERS = {
  isobmff: ['mov', 'MP4', EXACT],
  matroska: ['matroska', 'Matroska', EXACT],
  avi: ['avi', 'AVI', INEXACT],
  wav: ['wav', 'WAV', AUDIO],
  w64: ['w64', 'Wave64', AUDIO],
  aiff: ['aiff', 'AIFF', AUDIO],
  'mpeg-ts': ['mpegts', 'MPEG-TS', INEXACT],
  'mpeg-ps': ['mpeg', 'MPEG-PS', INEXACT],
  'mpeg-video': ['mpegvideo', 'MPEG video', NO_TIMESTAMPS],
  'h264-video': ['h264', 'H.264 video', NO_TIMESTAMPS],
  'hevc-video': ['hevc', 'HEVC video', NO_TIMESTAMPS],
  'mpeg4-video': ['m4v', 'MPEG-4 video', NO_TIMESTAMPS],
  ivf: ['ivf', 'IVF', INEXACT],
  dv: ['dv', 'DV', AUDIO],
  flv: ['flv', 'FLV', INEXACT],
  asf: ['asf', 'ASF', INEXACT],
  ogg: ['ogg', 'Ogg', INEXACT],
  realmedia: ['rm', 'RealMedia', INEXACT],
  mxf: ['mxf', 'MXF', INEXACT],
  mp3: ['mp3', 'MP3', AUDIO],
  adts: ['aac', 'AAC', AUDIO],
  flac: ['flac', 'FLAC', AUDIO],
  ac3: ['ac3', 'AC-3', AUDIO],
  eac3: ['eac3', 'E-AC-3', AUDIO],
  dts: ['dts', 'DTS', AUDIO],
  loas: ['loas', 'AAC', AUDIO],
  amr: ['amr', 'AMR', AUDIO],
  caf: ['caf', 'CAF', AUDIO],
} as const satisfies Partial<Record<ContainerKind, readonly [string, string, number | undefined]>>;

/** A demuxer by ffmpeg's name for it. */
export type Demuxer = (typeof CONTAINERS)[keyof typeof CONTAINERS][0];

export const DEMUXER_NAMES: readonly Demuxer[] = Object.values(CONTAINERS).map(([demuxer]) => demuxer);

export interface Container {
  readonly demuxer: Demuxer;
  /** The name that the record shows. */
  readonly label: string;
  /**
   * Decoding starts this many seconds before a requested time, so that the frame at that time is decoded correctly. Undefined for
   * a stream without timestamps: it can only be decoded from its beginning, and is wrapped into Matroska before it is encoded.
   */
  readonly leadInSeconds: number | undefined;
}

/**
 * The container of a wrapped stream. Its timestamps are counted from the frame rate, and the first frames after a seek may not
 * decode correctly.
 */
export const WRAPPED_CONTAINER = { demuxer: 'matroska', leadInSeconds: INEXACT } as const;

/** @returns undefined for a file that is neither video nor audio */
export function findContainer(kind: ContainerKind): Container | undefined {
  const entry = (CONTAINERS as Partial<Record<ContainerKind, (typeof CONTAINERS)[keyof typeof CONTAINERS]>>)[
    kind
  ];
  if (!entry) return undefined;
  const [demuxer, label, leadInSeconds] = entry;
  return { demuxer, label, leadInSeconds };
}
