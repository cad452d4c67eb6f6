/**
 * Identifies the kind of a file by its first bytes (pure). Sniffing precedes every parser: a text file that is named like a video can
 * make a general-purpose reader open other files (docs/untrusted-media.md).
 */
export const SNIFF_BYTES = 4_096;

export type ContainerKind =
  | 'isobmff'
  | 'matroska'
  | 'empty'
  | 'avi'
  | 'wav'
  | 'aiff'
  | 'webp'
  | 'mpeg-ts'
  | 'mpeg-ps'
  | 'mpeg-video'
  | 'h264-video'
  | 'hevc-video'
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
  ['mpeg-ps', 0, '000001ba'],
  ['mpeg-video', 0, '000001b3'],
  // The header block of a DIF sequence with 525 and with 625 lines (IEC 61834-2).
  ['dv', 0, '1f07003f'],
  ['dv', 0, '1f0700bf'],
  ['flac', 0, '664c6143'],
  ['ac3', 0, '0b77'],
  ['amr', 0, '2321414d52'],
  ['caf', 0, '63616666'],
  ['mp3', 0, '494433'],
  ['midi', 0, '4d546864'],
  ['image', 0, 'ffd8ff'],
  ['image', 0, '89504e470d0a1a0a'],
  ['image', 0, '47494638'],
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

/** @param head the first `SNIFF_BYTES` of the file, or the whole file if it is shorter */
export function sniff(head: Buffer): ContainerKind {
  if (head.length === 0) return 'empty';
  for (const [kind, at, hex] of SIGNATURES) {
    if (head.toString('hex', at, at + hex.length / 2) === hex) return kind;
  }
  const tag = head.toString('latin1', 0, 4);
  const form = head.toString('latin1', 8, 12);
  if (tag === 'RIFF') return form === 'WAVE' ? 'wav' : form === 'WEBP' ? 'webp' : 'avi';
  if (tag === 'RF64') return 'wav';
  if (tag === 'FORM' && (form.startsWith('AIFF') || form.startsWith('AIFC'))) return 'aiff';
  const boxType = head.toString('latin1', 4, 8);
  if (head.length >= 8 && FIRST_BOXES.has(boxType)) {
    return boxType === 'ftyp' && IMAGE_BRANDS.has(form) ? 'image' : 'isobmff';
  }
  if (isTransportStream(head)) return 'mpeg-ts';
  const bare = sniffNalUnit(head);
  if (bare) return bare;
  const asText = sniffText(head);
  if (asText) return asText;
  if (tag.startsWith('BM') && head.length > 14 && head.readUInt32LE(10) < 4_096) return 'image';
  if (head.length >= 4 && head[0] === 0xff) {
    if ((head[1]! & 0xf6) === 0xf0) return 'adts';
    if ((head[1]! & 0xe0) === 0xe0 && (head[1]! & 0x06) !== 0) return 'mp3';
  }
  return 'unknown';
}

/** Looks for sync bytes at the packet distances 188, 192 (M2TS: a timestamp before each packet) and 204. */
function isTransportStream(head: Buffer): boolean {
  for (const [first, distance] of [
    [0, 188],
    [4, 192],
    [0, 204],
  ] as const) {
    if (head.length < first + 3 * distance + 1) continue;
    if ([0, 1, 2, 3].every(i => head[first + i * distance] === 0x47)) return true;
  }
  return false;
}

/** Looks at the first NAL unit of a byte stream (annex B): a parameter set or an access unit delimiter. */
function sniffNalUnit(head: Buffer): ContainerKind | undefined {
  const at = ['000001', '00000001'].find(code => head.toString('hex', 0, code.length / 2) === code)?.length;
  if (at === undefined || head.length < at / 2 + 2) return undefined;
  const first = head[at / 2]!;
  // VPS, SPS and AUD of the base layer (ITU-T H.265).
  if ([0x40, 0x42, 0x46].includes(first) && head[at / 2 + 1] === 0x01) return 'hevc-video';
  // SPS and AUD (ITU-T H.264).
  return first < 0x80 && [7, 9].includes(first & 31) ? 'h264-video' : undefined;
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
