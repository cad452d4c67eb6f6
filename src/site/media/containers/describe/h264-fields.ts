/** Reads from an H.264 sequence parameter set whether the video may hold interlaced pictures. */

/** Profiles whose parameter sets describe the chroma format (ITU-T H.264, section 7.3.2.1.1). */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
const MAX_LEADING_ZEROS = 32;

/**
 * @param avcC body of the configuration box (ISO/IEC 14496-15, section 5.3.3.1)
 * @returns true if a parameter set permits fields, although its pictures may still be progressive; false if it is malformed
 */
export function permitsFields(avcC: Buffer): boolean {
  const count = (avcC[5] ?? 0) & 31;
  let at = 6;
  for (let i = 0; i < count && at + 2 <= avcC.length; i++) {
    const length = avcC.readUInt16BE(at);
    const set = removeEmulationPrevention(avcC.subarray(at + 2, at + 2 + length));
    if (hasFields(set)) return true;
    at += 2 + length;
  }
  return false;
}

/** Reads `seq_parameter_set_data` up to `frame_mbs_only_flag` (section 7.3.2.1.1). */
function hasFields(set: Buffer): boolean {
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
  return bits.bit() === 0 && !bits.isExhausted;
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
