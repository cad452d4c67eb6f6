/** Formats CMAF init segments with one track and no samples (ISO/IEC 23000-19, section 7.3.1; ISO/IEC 14496-12). */

import type { AudioDescription, TrackDescription, VideoDescription } from '../source/track-description.ts';
import { formatBox, formatFullBox, u16, u32, u64 } from './box.ts';
import { TRACK_ID } from './cmaf-segment.ts';

export const UNITY_MATRIX = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000] as const;
const MOVIE_TIMESCALE = 1_000;
const SYNC_SAMPLES = 0x200_0000;
const NON_SYNC_SAMPLES = 0x101_0000;

/**
 * @param timescale ticks per second
 * @param editMediaTime ticks that the edit list subtracts from composition times; without an edit list at 0
 */
export function formatInitSegment(
  description: TrackDescription,
  timescale: number,
  editMediaTime: number,
): Buffer {
  const isVideo = description.kind === 'video';
  const ftyp = formatBox('ftyp', Buffer.from('iso6'), u32(0), Buffer.from('iso6mp41cmfc'));
  const moov = formatBox(
    'moov',
    // Section 8.2.2. The durations are 0 because the fragments hold them.
    formatFullBox(
      'mvhd',
      0,
      0,
      u32(0, 0, MOVIE_TIMESCALE, 0, 0x1_0000),
      u16(0x100, 0),
      u32(0, 0, ...UNITY_MATRIX, 0, 0, 0, 0, 0, 0, TRACK_ID + 1),
    ),
    formatBox(
      'trak',
      formatTkhd(description),
      ...(editMediaTime > 0 ? [formatEdit(editMediaTime)] : []),
      formatMdia(description, timescale),
    ),
    formatBox(
      'mvex',
      formatFullBox('trex', 0, 0, u32(TRACK_ID, 1, 0, 0, isVideo ? NON_SYNC_SAMPLES : SYNC_SAMPLES)),
    ),
  );
  return Buffer.concat([ftyp, moov]);
}

interface TrackHeader {
  readonly id: number;
  /** In units of the movie timescale; 0 if the fragments hold it. */
  readonly duration: number;
  /** Tracks of one group are alternatives, of which players choose one. 0: none. */
  readonly alternateGroup: number;
  readonly isEnabled: boolean;
}

const ONLY_TRACK: TrackHeader = { id: TRACK_ID, duration: 0, alternateGroup: 0, isEnabled: true };

/** Section 8.3.2. The flags are track_enabled, track_in_movie and track_in_preview. */
export function formatTkhd(description: TrackDescription, track: TrackHeader = ONLY_TRACK): Buffer {
  const isVideo = description.kind === 'video';
  const { id, duration, alternateGroup, isEnabled } = track;
  const isLong = duration >= 2 ** 32;
  return formatFullBox(
    'tkhd',
    isLong ? 1 : 0,
    isEnabled ? 7 : 6,
    ...(isLong ? [u64(0), u64(0), u32(id, 0), u64(duration)] : [u32(0, 0, id, 0, duration)]),
    u32(0, 0),
    u16(0, alternateGroup, isVideo ? 0 : 0x100, 0),
    u32(...(isVideo ? description.matrix : UNITY_MATRIX)),
    u32(isVideo ? description.trackWidth * 0x1_0000 : 0, isVideo ? description.trackHeight * 0x1_0000 : 0),
  );
}

/** Section 8.6.6. The duration 0 of the only edit means: to the end of the fragments. */
const formatEdit = (mediaTime: number): Buffer =>
  formatBox('edts', formatFullBox('elst', 1, 0, u32(1), u64(0), u64(mediaTime), u16(1, 0)));

/** The tables of a track whose samples are in fragments. */
const NO_SAMPLES = [
  formatFullBox('stts', 0, 0, u32(0)),
  formatFullBox('stsc', 0, 0, u32(0)),
  formatFullBox('stsz', 0, 0, u32(0, 0)),
  formatFullBox('stco', 0, 0, u32(0)),
];

/**
 * @param duration in ticks; 0 if the fragments hold it
 * @param tables the boxes of the sample table after the sample description
 */
export function formatMdia(
  description: TrackDescription,
  timescale: number,
  duration = 0,
  tables: readonly Buffer[] = NO_SAMPLES,
): Buffer {
  const isVideo = description.kind === 'video';
  const language = isVideo ? 'und' : description.languageCode;
  const packed = [...language].reduce((sum, letter) => sum * 32 + (letter.charCodeAt(0) - 0x60), 0);
  return formatBox(
    'mdia',
    duration >= 2 ** 32
      ? formatFullBox('mdhd', 1, 0, u64(0), u64(0), u32(timescale), u64(duration), u16(packed, 0))
      : formatFullBox('mdhd', 0, 0, u32(0, 0, timescale, duration), u16(packed, 0)),
    formatFullBox(
      'hdlr',
      0,
      0,
      u32(0),
      Buffer.from(isVideo ? 'vide' : 'soun'),
      u32(0, 0, 0),
      Buffer.from(isVideo ? 'VideoHandler\0' : 'SoundHandler\0'),
    ),
    formatBox(
      'minf',
      isVideo ? formatFullBox('vmhd', 0, 1, u16(0, 0, 0, 0)) : formatFullBox('smhd', 0, 0, u16(0, 0)),
      formatBox('dinf', formatFullBox('dref', 0, 0, u32(1), formatFullBox('url ', 0, 1))),
      formatBox(
        'stbl',
        formatFullBox(
          'stsd',
          0,
          0,
          u32(1),
          isVideo ? formatVisualEntry(description) : formatAudioEntry(description),
        ),
        ...tables,
      ),
    ),
  );
}

const CONFIGURATION_BOX = { h264: 'avcC', hevc: 'hvcC', vp9: 'vpcC', av1: 'av1C' } as const;

/** Section 12.1.3. The configuration boxes are those of ISO/IEC 14496-15 and of the VP9 and AV1 bindings. */
const formatVisualEntry = (description: VideoDescription): Buffer =>
  formatBox(
    description.sampleEntry,
    u16(0, 0, 0, 1),
    u32(0, 0, 0, 0),
    u16(description.codedWidth, description.codedHeight),
    u32(0x48_0000, 0x48_0000, 0),
    u16(1),
    Buffer.alloc(32),
    u16(0x18, 0xffff),
    formatBox(CONFIGURATION_BOX[description.family], Buffer.from(description.configuration, 'base64')),
    Buffer.from(description.furtherBoxes, 'base64'),
  );

/** Section 12.2.3. */
function formatAudioEntry(description: AudioDescription): Buffer {
  const { family, channels, sampleRateHz } = description;
  const configuration = Buffer.from(description.configuration, 'base64');
  // Higher rates do not fit into 16.16 fixed point; the configuration holds them.
  const rate = family === 'opus' ? 48_000 : sampleRateHz > 0xffff ? 0 : sampleRateHz;
  const entry = (type: string, box: Buffer): Buffer =>
    formatBox(type, u16(0, 0, 0, 1), u32(0, 0), u16(channels, 16, 0, 0), u32(rate * 0x1_0000), box);
  switch (family) {
    case 'aac':
      return entry('mp4a', formatEsds(configuration));
    case 'opus':
      return entry('Opus', formatBox('dOps', configuration));
    case 'flac':
      return entry('fLaC', formatFullBox('dfLa', 0, 0, configuration));
  }
}

/** Formats ES_Descriptor { DecoderConfigDescriptor { DecoderSpecificInfo }, SLConfigDescriptor } (ISO/IEC 14496-1, section 7.2.6). */
function formatEsds(specific: Buffer): Buffer {
  const decoder = formatDescriptor(
    4,
    // objectTypeIndication 0x40 (ISO/IEC 14496-3), streamType 5 (audio), upStream 0, reserved 1.
    Buffer.from([0x40, 0x15, 0, 0, 0]),
    u32(0, 0),
    formatDescriptor(5, specific),
  );
  return formatFullBox(
    'esds',
    0,
    0,
    formatDescriptor(3, u16(0), Buffer.from([0]), decoder, formatDescriptor(6, Buffer.from([2]))),
  );
}

/** The size field always has four bytes, which every reader accepts and every size fits. */
function formatDescriptor(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const size = body.length;
  const length = [
    0x80 | ((size >> 21) & 0x7f),
    0x80 | ((size >> 14) & 0x7f),
    0x80 | ((size >> 7) & 0x7f),
    size & 0x7f,
  ];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}
