/** Finds frames of compressed audio that has no container, also where the beginning of the file is missing (pure). */

export type BareAudio = 'mp3' | 'adts' | 'ac3' | 'eac3';

/** ISO/IEC 11172-3, table of bit rates in kbit/s: MPEG-1 layers I to III, then MPEG-2 layer I, and layers II and III. */
const BITRATES = [
  [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
] as const;
const MPEG_RATES = [44_100, 48_000, 32_000];
const AC3_KBPS = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];
const AC3_RATES = [48_000, 44_100, 32_000];

interface Frame {
  readonly kind: BareAudio;
  readonly bytes: number;
}

/** The frame whose header is at this position; undefined if there is none. */
function readFrame(head: Buffer, at: number): Frame | undefined {
  if (at + 6 > head.length) return undefined;
  const [first = 0, second = 0] = head.subarray(at);
  if (first === 0xff && (second & 0xf6) === 0xf0) {
    const bytes = ((head[at + 3]! & 3) << 11) | (head[at + 4]! << 3) | (head[at + 5]! >> 5);
    return bytes > 7 ? { kind: 'adts', bytes } : undefined;
  }
  if (first === 0xff && (second & 0xe0) === 0xe0) return readMpegFrame(head, at);
  return first === 0x0b && second === 0x77 ? readAc3Frame(head, at) : undefined;
}

function readMpegFrame(head: Buffer, at: number): Frame | undefined {
  const version = (head[at + 1]! >> 3) & 3;
  const layer = 4 - ((head[at + 1]! >> 1) & 3);
  const rate = MPEG_RATES[(head[at + 2]! >> 2) & 3];
  if (version === 1 || layer === 4 || rate === undefined) return undefined;
  const isMpeg1 = version === 3;
  const row = isMpeg1 ? layer - 1 : layer === 1 ? 3 : 4;
  const kbps = BITRATES[row]?.[head[at + 2]! >> 4];
  if (!kbps) return undefined;
  const rateHz = rate / (isMpeg1 ? 1 : version === 2 ? 2 : 4);
  const padding = (head[at + 2]! >> 1) & 1;
  if (layer === 1) return { kind: 'mp3', bytes: 4 * (Math.floor((12_000 * kbps) / rateHz) + padding) };
  const slots = layer === 3 && !isMpeg1 ? 72_000 : 144_000;
  return { kind: 'mp3', bytes: Math.floor((slots * kbps) / rateHz) + padding };
}

/** ETSI TS 102 366, sections 4.4.1 and E.1.3.1: `bsid` distinguishes AC-3 from E-AC-3. */
function readAc3Frame(head: Buffer, at: number): Frame | undefined {
  const bsid = head[at + 5]! >> 3;
  if (bsid > 10) {
    return bsid <= 16
      ? { kind: 'eac3', bytes: 2 * ((((head[at + 2]! & 7) << 8) | head[at + 3]!) + 1) }
      : undefined;
  }
  const rateHz = AC3_RATES[head[at + 4]! >> 6];
  const kbps = AC3_KBPS[(head[at + 4]! & 63) >> 1];
  if (!rateHz || !kbps) return undefined;
  const words = Math.floor((kbps * 96_000) / rateHz);
  const isOdd = rateHz === 44_100 ? head[at + 4]! & 1 : 0;
  return { kind: 'ac3', bytes: 2 * (words + isOdd) };
}

/** @returns undefined unless two frames of the same kind follow each other and a third could begin after them */
export function findAudioFrames(head: Buffer): BareAudio | undefined {
  for (let at = 0; at + 6 <= head.length; at++) {
    const first = readFrame(head, at);
    const second = first && readFrame(head, at + first.bytes);
    if (!second || second.kind !== first.kind) continue;
    const third = at + first.bytes + second.bytes;
    if (third + 6 > head.length || readFrame(head, third)?.kind === first.kind) return first.kind;
  }
  return undefined;
}
