/** The kinds of files that cannot be indexed, each with the message for the person who uploaded it. Some can still be converted. */
import { type RejectionCode, SourceRejected } from '../source-rejected.ts';
import { type ContainerKind, SNIFF_BYTES, sniffFile } from './sniff.ts';

const CONVERT = 'Convert it to MP4 with H.264 and AAC, and upload it again.';
const CHOOSE = 'Upload a video file such as MP4, MOV, MKV or WebM.';
const unplayable = (name: string): string => `This file is ${name}, which browsers cannot play. ${CONVERT}`;
const bareAudio = (name: string): string =>
  `This file is ${name}, which cannot be streamed. Convert it to M4A (AAC in MP4), and upload it again.`;
const notMedia = (name: string): string => `This file is ${name}, not a video. ${CHOOSE}`;

const REJECTIONS: Readonly<
  Record<Exclude<ContainerKind, 'isobmff' | 'matroska'>, readonly [RejectionCode, string]>
> = {
  empty: ['empty', 'This file is empty. Check it on your computer, and upload it again.'],
  avi: ['container-unsupported', unplayable('an AVI video')],
  wav: ['container-unsupported', bareAudio('a WAV recording')],
  w64: ['container-unsupported', bareAudio('a Wave64 recording')],
  aiff: ['container-unsupported', bareAudio('an AIFF recording')],
  webp: ['not-media', notMedia('an image')],
  'mpeg-ts': ['container-unsupported', unplayable('an MPEG transport stream (TS, M2TS, MTS)')],
  'mpeg-ps': ['container-unsupported', unplayable('an MPEG program stream (MPG, VOB)')],
  'mpeg-video': ['container-unsupported', unplayable('raw MPEG video')],
  'h264-video': ['container-unsupported', unplayable('raw H.264 video')],
  'hevc-video': ['container-unsupported', unplayable('raw HEVC video')],
  'mpeg4-video': ['container-unsupported', unplayable('raw MPEG-4 video')],
  ivf: ['container-unsupported', unplayable('an IVF file')],
  dv: ['container-unsupported', unplayable('a DV recording')],
  flv: ['container-unsupported', unplayable('a Flash video (FLV)')],
  asf: ['container-unsupported', unplayable('a Windows Media file (WMV, ASF)')],
  ogg: ['container-unsupported', unplayable('an Ogg file')],
  realmedia: ['container-unsupported', unplayable('a RealMedia file')],
  mxf: ['container-unsupported', unplayable('an MXF file')],
  mp3: ['container-unsupported', bareAudio('an MP3 recording')],
  adts: ['container-unsupported', bareAudio('an AAC recording')],
  flac: ['container-unsupported', bareAudio('a FLAC recording')],
  ac3: ['container-unsupported', bareAudio('an AC-3 recording')],
  eac3: ['container-unsupported', bareAudio('an E-AC-3 recording')],
  dts: ['container-unsupported', bareAudio('a DTS recording')],
  loas: ['container-unsupported', bareAudio('an AAC recording (LATM)')],
  amr: ['container-unsupported', bareAudio('an AMR recording')],
  caf: ['container-unsupported', bareAudio('a CAF recording')],
  midi: ['not-media', notMedia('a MIDI file')],
  'hls-playlist': ['not-media', notMedia('a playlist that only names other files')],
  ffconcat: ['not-media', notMedia('a list that only names other files')],
  html: ['not-media', `This file is a web page, not a video: the download may have failed. ${CHOOSE}`],
  svg: ['not-media', notMedia('a drawing (SVG)')],
  xml: ['not-media', notMedia('an XML document')],
  subtitles: ['not-media', notMedia('a subtitle file')],
  text: ['not-media', notMedia('a text file')],
  image: ['not-media', notMedia('an image')],
  gif: [
    'not-media',
    'This file is a GIF image. GIF animations are not accepted: convert it to MP4 with H.264, and upload that.',
  ],
  pdf: ['not-media', notMedia('a PDF document')],
  zip: [
    'not-media',
    'This file is a ZIP archive or an office document, not a video. Unpack it, and upload the video in it.',
  ],
  archive: ['not-media', 'This file is an archive, not a video. Unpack it, and upload the video in it.'],
  program: ['not-media', notMedia('a program')],
  unknown: ['not-media', `This file type isn't supported. ${CHOOSE}`],
};

/**
 * Returns the kind of a file that can be indexed.
 *
 * @param read the bytes at a position, at most this many
 * @throws SourceRejected for every other kind
 */
export function parseContainerKind(
  read: (position: number, length: number) => Buffer,
): 'isobmff' | 'matroska' {
  const search = sniffFile();
  let step = search.next();
  while (!step.done) step = search.next(read(step.value, SNIFF_BYTES));
  const kind = step.value;
  if (kind === 'isobmff' || kind === 'matroska') return kind;
  throw new SourceRejected(...REJECTIONS[kind]);
}
