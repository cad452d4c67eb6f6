/** Reads from the H.264 sequence parameter sets of a track what containers often leave out: fields, and the shape of pixels. */

export interface H264Parameters {
  /** Fields are permitted, although the pictures may still be progressive. */
  readonly permitsFields: boolean;
  /** Width and height of a pixel; undefined if they are equal or not given. */
  readonly pixelAspect: readonly [number, number] | undefined;
}

/** Profiles whose parameter sets describe the chroma format (ITU-T H.264, section 7.3.2.1.1). */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
const MAX_LEADING_ZEROS = 32;

/** Table E-1: `aspect_ratio_idc` from 0. */
const PIXEL_ASPECTS: readonly (readonly [number, number] | undefined)[] = [
  ...[undefined, undefined, [12, 11], [10, 11], [16, 11], [40, 33], [24, 11], [20, 11], [32, 11]],
  ...[
    [80, 33],
    [18, 11],
    [15, 11],
    [64, 33],
    [160, 99],
    [4, 3],
    [3, 2],
    [2, 1],
  ],
] as readonly (readonly [number, number] | undefined)[];
const EXTENDED_ASPECT = 255;

/** @param avcC body of the configuration box (ISO/IEC 14496-15, section 5.3.3.1). Malformed values count as not given. */
export function readH264Parameters(avcC: Buffer): H264Parameters {
  const count = (avcC[5] ?? 0) & 31;
  const found: H264Parameters[] = [];
  let at = 6;
  for (let i = 0; i < count && at + 2 <= avcC.length; i++) {
    const length = avcC.readUInt16BE(at);
    found.push(readParameterSet(removeEmulationPrevention(avcC.subarray(at + 2, at + 2 + length))));
    at += 2 + length;
  }
  return { permitsFields: found.some(one => one.permitsFields), pixelAspect: found[0]?.pixelAspect };
}

/** Reads `seq_parameter_set_data` up to the aspect ratio (sections 7.3.2.1.1 and E.1.1). */
function readParameterSet(set: Buffer): H264Parameters {
  const bits = new BitReader(set, 4);
  bits.golomb();
  if (HIGH_PROFILES.has(set[1] ?? 0)) {
    const chromaFormat = bits.golomb();
    if (chromaFormat === 3) bits.bit();
    bits.golomb();
    bits.golomb();
    bits.bit();
    if (bits.bit() === 1) skipScalingLists(bits, chromaFormat === 3 ? 12 : 8);
  }
  bits.golomb();
  const orderType = bits.golomb();
  if (orderType === 0) bits.golomb();
  else if (orderType === 1) {
    bits.bit();
    bits.golomb();
    bits.golomb();
    const cycle = Math.min(255, bits.golomb());
    for (let i = 0; i < cycle; i++) bits.golomb();
  }
  bits.golomb();
  bits.bit();
  bits.golomb();
  bits.golomb();
  const isFrameOnly = bits.bit() === 1;
  const permitsFields = !isFrameOnly && !bits.isExhausted;
  if (!isFrameOnly) bits.bit();
  bits.bit();
  // Cropping
  if (bits.bit() === 1) for (let side = 0; side < 4; side++) bits.golomb();
  const hasAspect = bits.bit() === 1 && bits.bit() === 1;
  const pixelAspect = hasAspect ? readPixelAspect(bits) : undefined;
  return { permitsFields, pixelAspect: bits.isExhausted ? undefined : pixelAspect };
}

function readPixelAspect(bits: BitReader): readonly [number, number] | undefined {
  const code = bits.number(8);
  if (code !== EXTENDED_ASPECT) return PIXEL_ASPECTS[code];
  const [width, height] = [bits.number(16), bits.number(16)];
  return width > 0 && height > 0 && width !== height ? [width, height] : undefined;
}

/** Section 7.3.2.1.1.1. */
function skipScalingLists(bits: BitReader, count: number): void {
  for (let list = 0; list < count; list++) {
    if (bits.bit() === 0) continue;
    let last = 8;
    let next = 8;
    for (let i = 0; i < (list < 6 ? 16 : 64) && next !== 0; i++) {
      next = (last + bits.signedGolomb() + 256) % 256;
      if (next !== 0) last = next;
    }
  }
}

/** Removes `emulation_prevention_three_byte` (section 7.4.1). */
function removeEmulationPrevention(bytes: Buffer): Buffer {
  return Buffer.from(
    bytes.filter((byte, i) => byte !== 3 || i < 2 || bytes[i - 1] !== 0 || bytes[i - 2] !== 0),
  );
}

/** Reads bits from the most significant on; past the end it reads zeros. */
class BitReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, fromByte: number) {
    this.#bytes = bytes;
    this.#at = fromByte * 8;
  }

  get isExhausted(): boolean {
    return this.#at > this.#bytes.length * 8;
  }

  bit(): number {
    const byte = this.#bytes[this.#at >> 3] ?? 0;
    const bit = (byte >> (7 - (this.#at & 7))) & 1;
    this.#at++;
    return bit;
  }

  /** `u(n)` */
  number(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 2 + this.bit();
    return value;
  }

  /** `ue(v)` (section 9.1). */
  golomb(): number {
    let zeros = 0;
    while (zeros < MAX_LEADING_ZEROS && !this.isExhausted && this.bit() === 0) zeros++;
    let suffix = 0;
    for (let i = 0; i < zeros; i++) suffix = suffix * 2 + this.bit();
    return 2 ** zeros - 1 + suffix;
  }

  /** `se(v)` (section 9.1.1). */
  signedGolomb(): number {
    const code = this.golomb();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }
}
