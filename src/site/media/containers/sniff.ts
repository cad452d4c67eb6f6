/**
 * Identifies the kind of a file by its first bytes (pure). Sniffing precedes every parser: a text file that is named like a video can
 * make a general-purpose reader open other files (docs/untrusted-media.md).
 */
import { findAudioFrames } from './audio-frames.ts';

export const SNIFF_BYTES = 4_096;

export type ContainerKind =
  | 'isobmff'
  | 'matroska'
  | 'empty'
  | 'avi'
  | 'wav'
  | 'w64'
  | 'aiff'
  | 'webp'
  | 'mpeg-ts'
  | 'mpeg-ps'
  | 'mpeg-video'
  | 'h264-video'
  | 'hevc-video'
  | 'mpeg4-video'
  | 'ivf'
  | 'dv'
  | 'flv'
  | 'asf'
  | 'ogg'
  | 'realmedia'
  | 'mxf'
  | 'mp3'
  | 'adts'
  | 'flac'
  | 'ac3'
  | 'eac3'
  | 'dts'
  | 'loas'
  | 'amr'
  | 'caf'
  | 'midi'
  | 'hls-playlist'
  | 'ffconcat'
  | 'html'
  | 'svg'
  | 'xml'
  | 'subtitles'
  | 'text'
  | 'image'
  | 'gif'
  | 'pdf'
  | 'zip'
  | 'archive'
  | 'program'
  | 'unknown';

/** The boxes with which MP4 and MOV files begin. */
const FIRST_BOXES = new Set([
  'ftyp',
  'moov',
  'mdat',
  'free',
  'skip',
  'wide',
  'pnot',
  'styp',
  'sidx',
  'moof',
  'uuid',
]);
const IMAGE_BRANDS = new Set(['avif', 'avis', 'heic', 'heix', 'mif1', 'msf1', 'heif', 'jxl ', 'crx ']);
const ASF_HEADER = '3026b2758e66cf11a6d900aa0062ce6c';

/** Kind, offset and hexadecimal bytes. The first match decides. */
const SIGNATURES: readonly (readonly [ContainerKind, number, string])[] = [
  ['matroska', 0, '1a45dfa3'],
  ['flv', 0, '464c5601'],
  ['asf', 0, ASF_HEADER],
  ['ogg', 0, '4f676753'],
  ['realmedia', 0, '2e524d46'],
  ['mxf', 0, '060e2b34020501'],
  ['ivf', 0, '444b4946'],
  ['w64', 0, '726966662e91cf11'],
  // The header block of a DIF sequence with 525 and with 625 lines (IEC 61834-2).
  ['dv', 0, '1f07003f'],
  ['dv', 0, '1f0700bf'],
  ['flac', 0, '664c6143'],
  // The sync words of DTS in words of 16 bits (ETSI TS 102 114).
  ['dts', 0, '7ffe8001'],
  ['dts', 0, 'fe7f0180'],
  ['amr', 0, '2321414d52'],
  ['caf', 0, '63616666'],
  ['midi', 0, '4d546864'],
  ['image', 0, 'ffd8ff'],
  ['image', 0, '89504e470d0a1a0a'],
  ['gif', 0, '47494638'],
  ['image', 0, '49492a00'],
  ['image', 0, '4d4d002a'],
  ['image', 0, '0000000c4a584c20'],
  ['pdf', 0, '255044462d'],
  ['zip', 0, '504b0304'],
  ['zip', 0, '504b0506'],
  ['archive', 0, '1f8b'],
  ['archive', 0, '377abcaf271c'],
  ['archive', 0, '526172211a07'],
  ['archive', 0, '425a68'],
  ['archive', 0, 'fd377a585a00'],
  ['archive', 0, '28b52ffd'],
  ['archive', 257, '7573746172'],
  ['program', 0, '7f454c46'],
  ['program', 0, '4d5a90'],
];

const START_CODE = Buffer.from([0, 0, 1]);

/** Kinds that ffmpeg finds after a tag or after zero bytes. */
const AFTER_PREAMBLE = new Set<ContainerKind>([
  ...(['mp3', 'adts', 'ac3', 'eac3', 'loas', 'wav', 'aiff'] as const),
  ...(['mpeg-ts', 'mpeg-ps', 'mpeg-video', 'mpeg4-video', 'h264-video', 'hevc-video'] as const),
]);
/** Tags and windows of zeroes that are skipped. */
const MAX_SKIPS = 256;

/**
 * Finds the kind of a file. ID3 tags before the audio, and zero bytes at the beginning, are skipped.
 *
 * @yields the position of the next `SNIFF_BYTES` to read; give it those bytes, fewer at the end of the file
 */
export function* sniffFile(): Generator<number, ContainerKind, Buffer> {
  let at = 0;
  let hasTag = false;
  let hasZeroes = false;
  for (let skips = 0; skips < MAX_SKIPS; skips++) {
    const head = yield at;
    const tagBytes = measureTag(head);
    const kind = tagBytes > 0 ? 'unknown' : sniff(head);
    const zeroes = tagBytes > 0 || kind !== 'unknown' ? 0 : measureZeroes(head);
    if (tagBytes + zeroes === 0) {
      if (at === 0 || AFTER_PREAMBLE.has(kind) || ((kind === 'flac' || kind === 'dts') && !hasZeroes))
        return kind;
      break;
    }
    hasTag ||= tagBytes > 0;
    hasZeroes ||= zeroes > 0;
    at += tagBytes + zeroes;
  }
  // Most files with a tag are MP3, and ffmpeg searches for its frames.
  return hasTag ? 'mp3' : 'unknown';
}

/** Bytes of the ID3v2 tag at the beginning (ID3 2.4.0, section 3.1); 0 if there is none. */
function measureTag(head: Buffer): number {
  if (head.toString('latin1', 0, 3) !== 'ID3' || head.length < 10) return 0;
  const size = head.subarray(6, 10);
  if (size.some(byte => byte > 0x7f)) return 0;
  const hasFooter = (head[5]! & 0x10) !== 0;
  return (hasFooter ? 20 : 10) + size.reduce((sum, byte) => sum * 128 + byte, 0);
}

/** Zero bytes at the beginning, except those of a start code. */
function measureZeroes(head: Buffer): number {
  const first = head.findIndex(byte => byte !== 0);
  if (first === -1) return head.length;
  return head[first] === 1 ? Math.max(0, first - 3) : first;
}

/** @param head the first `SNIFF_BYTES` of the file, or the whole file if it is shorter */
export function sniff(head: Buffer): ContainerKind {
  if (head.length === 0) return 'empty';
  for (const [kind, at, hex] of SIGNATURES) {
    if (head.toString('hex', at, at + hex.length / 2) === hex) return kind;
  }
  const tag = head.toString('latin1', 0, 4);
  const form = head.toString('latin1', 8, 12);
  if (tag === 'RIFX' && form === 'WAVE') return 'wav';
  if (tag === 'RIFF') return form === 'WAVE' ? 'wav' : form === 'WEBP' ? 'webp' : 'avi';
  if (tag === 'RF64' || tag === 'BW64') return 'wav';
  if (tag.startsWith('ID3')) return 'mp3';
  if (tag.startsWith('\x0bw')) return head.length > 5 && head[5]! >> 3 > 10 ? 'eac3' : 'ac3';
  if (tag === 'FORM' && (form.startsWith('AIFF') || form.startsWith('AIFC'))) return 'aiff';
  const boxType = head.toString('latin1', 4, 8);
  if (head.length >= 8 && FIRST_BOXES.has(boxType)) {
    return boxType === 'ftyp' && IMAGE_BRANDS.has(form) ? 'image' : 'isobmff';
  }
  if (isTransportStream(head)) return 'mpeg-ts';
  const bare = sniffStartCode(head);
  if (bare) return bare;
  const asText = sniffText(head);
  if (asText) return asText;
  if (tag.startsWith('BM') && head.length > 14 && head.readUInt32LE(10) < 4_096) return 'image';
  if (isTransportStream(head, 204)) return 'mpeg-ts';
  const audio = findAudioFrames(head);
  if (audio) return audio;
  if (head.length >= 4 && head[0] === 0xff) {
    if ((head[1]! & 0xf6) === 0xf0) return 'adts';
    if ((head[1]! & 0xe0) === 0xe0 && (head[1]! & 0x06) !== 0) return 'mp3';
  }
  // LOAS (ISO/IEC 14496-3, section 1.7.2): a sync word of 11 bits and a length of 13.
  const isLoasFrame =
    head.length >= 3 && isLoas(head, 0) && isLoas(head, 3 + (head.readUInt16BE(1) & 0x1fff));
  return isLoasFrame ? 'loas' : 'unknown';
}

const isLoas = (head: Buffer, at: number): boolean => head[at] === 0x56 && (head[at + 1]! & 0xe0) === 0xe0;

/**
 * Searches for sync bytes at the packet distances 188, 192 (M2TS: a timestamp before each packet) and 204.
 *
 * @param maxShift bytes of a packet whose beginning is missing
 */
function isTransportStream(head: Buffer, maxShift = 0): boolean {
  for (const [first, distance] of [
    [0, 188],
    [4, 192],
    [0, 204],
  ] as const) {
    for (let shift = 0; shift <= Math.min(maxShift, distance); shift++) {
      // A stream that does not begin with a packet needs more evidence.
      const packets = shift === 0 ? [0, 1, 2, 3] : [0, 1, 2, 3, 4, 5, 6, 7];
      if (packets.every(i => head[first + shift + i * distance] === 0x47)) return true;
    }
  }
  return false;
}

/** The kind of a stream that begins with a start code of 24 or 32 bits: MPEG systems and video, or a byte stream of NAL units. */
function sniffStartCode(head: Buffer): ContainerKind | undefined {
  const first = head.indexOf(1);
  if (first < 2 || first > 3 || head.subarray(0, first).some(byte => byte !== 0)) return undefined;
  const code = head[first + 1];
  if (code === undefined) return undefined;
  if (code === 0xba) return 'mpeg-ps';
  if (code === 0xb3) return 'mpeg-video';
  if (isMpeg4Start(head, first + 1)) return 'mpeg4-video';
  return head.length < first + 3 ? undefined : sniffNalUnit(head, first + 1);
}

/** ISO/IEC 14496-2, table 6-3: a visual object sequence, a visual object, or a video object (layer). */
function isMpeg4Start(head: Buffer, at: number): boolean {
  const code = head[at]!;
  const isLayer = (value: number | undefined): boolean =>
    value !== undefined && value >= 0x20 && value <= 0x2f;
  if (code === 0xb0 || code === 0xb5 || isLayer(code)) return true;
  return (
    code <= 0x1f &&
    head.readUIntBE(at, Math.min(4, head.length - at)) % 0x100_0000 === 1 &&
    isLayer(head[at + 4])
  );
}

/** The first NAL unit of a byte stream (annex B) is a parameter set, an access unit delimiter, or information before these. */
function sniffNalUnit(head: Buffer, at: number): ContainerKind | undefined {
  const first = head[at]!;
  // VPS, SPS, AUD and prefix SEI of the base layer (ITU-T H.265).
  if ([0x40, 0x42, 0x46, 0x4e].includes(first) && head[at + 1] === 0x01) return 'hevc-video';
  if (first >= 0x80) return undefined;
  // SPS and AUD, or SEI and an SPS after it (ITU-T H.264).
  if ([7, 9].includes(first & 31)) return 'h264-video';
  return (first & 31) === 6 && hasNalUnit(head, 7) ? 'h264-video' : undefined;
}

function hasNalUnit(head: Buffer, type: number): boolean {
  for (let at = head.indexOf(START_CODE); at !== -1; at = head.indexOf(START_CODE, at + 3)) {
    const header = head[at + 3];
    if (header !== undefined && header < 0x80 && (header & 31) === type) return true;
  }
  return false;
}

function sniffText(head: Buffer): ContainerKind | undefined {
  const text = decodeText(head);
  if (text === undefined) return undefined;
  const start = text.trimStart().slice(0, 2_048);
  if (start.startsWith('#EXTM3U') || /^#EXT-X-/m.test(start)) return 'hls-playlist';
  if (start.startsWith('ffconcat') || /^file[ \t]+\S/m.test(start)) return 'ffconcat';
  const root = start.slice(findRootElement(start)).toLowerCase();
  if (/^<(svg[\s>]|!doctype svg)/.test(root)) return 'svg';
  if (/<(!doctype html|html|head|body|script|title|meta|div|p)[\s>]/i.test(start)) return 'html';
  if (start.startsWith('<')) return /<svg[\s>]/i.test(start) ? 'svg' : 'xml';
  if (/^WEBVTT|^\d{1,9}[ \t]{0,9}\r?\n\d\d:\d\d:\d\d,\d+ -->/.test(start)) return 'subtitles';
  return 'text';
}

/** The position after the declaration and the comments of an XML document. Each step skips text, so a hostile text costs no more. */
function findRootElement(text: string): number {
  let at = 0;
  for (;;) {
    while (/\s/.test(text.charAt(at))) at++;
    const end = text.startsWith('<!--', at) ? '-->' : text.startsWith('<?', at) ? '>' : undefined;
    const found = end === undefined ? -1 : text.indexOf(end, at);
    if (end === undefined || found === -1) return at;
    at = found + end.length;
  }
}

/** Decodes UTF-8, or UTF-16 with a byte order mark; undefined if the bytes are not text. */
function decodeText(head: Buffer): string | undefined {
  const isLittle = head[0] === 0xff && head[1] === 0xfe;
  const isBig = head[0] === 0xfe && head[1] === 0xff;
  if (isLittle || isBig) return new TextDecoder(isLittle ? 'utf-16le' : 'utf-16be').decode(head);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they distinguish binary data from text
    return /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
