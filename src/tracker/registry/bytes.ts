/**
 * Encodes numbers, texts and ids as bytes for records in the registry. A number takes seven bits per byte, lowest
 * first. Pure.
 */

export const UUID_BYTES = 16;
const LOW_BITS = 0x7f;
const MORE = 0x80;
/** Above this, bit operations would affect the sign. */
const SMALL = 2 ** 28;

export class ByteWriter {
  bytes = Buffer.allocUnsafeSlow(1_024);
  length = 0;

  reset(): void {
    this.length = 0;
  }

  reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.length + more, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  /** Writes a non-negative safe integer. */
  number(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= SMALL) {
      this.bytes[this.length++] = (rest % 128) | MORE;
      rest = Math.floor(rest / 128);
    }
    while (rest >= MORE) {
      this.bytes[this.length++] = (rest & LOW_BITS) | MORE;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  text(value: string): void {
    const size = Buffer.byteLength(value);
    this.number(size);
    this.reserve(size);
    this.length += this.bytes.write(value, this.length, size, 'utf8');
  }

  copy(from: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    this.bytes.set(from.subarray(start, end), this.length);
    this.length += end - start;
  }
}

export class ByteReader {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;

  open(bytes: Buffer, at: number): this {
    this.bytes = bytes;
    this.at = at;
    return this;
  }

  number(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.bytes[this.at++] as number;
      value += (byte & LOW_BITS) * factor;
      if (byte < MORE) return value;
      factor *= 128;
    }
  }

  text(): string {
    const size = this.number();
    this.at += size;
    return this.bytes.toString('utf8', this.at - size, this.at);
  }
}

const HEX_VALUES = new Uint8Array(256);
for (const [value, digit] of [...'0123456789abcdef'].entries()) HEX_VALUES[digit.charCodeAt(0)] = value;
/** Positions of the two digits of each byte in the text of a UUID. */
const DIGITS_AT = Uint8Array.from([0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]);

/** Writes a UUID (lower case text) as 16 bytes. */
export function writeUuid(text: string, target: Uint8Array, at = 0): void {
  for (let byte = 0; byte < UUID_BYTES; byte++) {
    const digit = DIGITS_AT[byte] as number;
    const high = HEX_VALUES[text.charCodeAt(digit)] as number;
    target[at + byte] = (high << 4) | (HEX_VALUES[text.charCodeAt(digit + 1)] as number);
  }
}

export function readUuid(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + UUID_BYTES);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
