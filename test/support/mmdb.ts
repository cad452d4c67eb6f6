/** Writes small MaxMind DB files (format 2.0) for tests: IPv4 networks, records of 24 bits. */

export type MmdbValue =
  | string
  | number
  | bigint
  | Double
  | readonly MmdbValue[]
  | { readonly [key: string]: MmdbValue };
export class Double {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

const STRING = 2;
const DOUBLE = 3;
const UINT32 = 6;
const MAP = 7;
const UINT64 = 9;
const ARRAY = 11;

function control(type: number, size: number): Buffer {
  if (size > 28) throw new RangeError('this writer supports only short values');
  return type < 8 ? Buffer.from([(type << 5) | size]) : Buffer.from([size, type - 7]);
}

function encode(value: MmdbValue): Buffer {
  if (value instanceof Double) {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value.value);
    return Buffer.concat([control(DOUBLE, 8), bytes]);
  }
  if (typeof value === 'string')
    return Buffer.concat([control(STRING, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(UINT32, 4), bytes]);
  }
  if (typeof value === 'bigint') {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(value);
    return Buffer.concat([control(UINT64, 8), bytes]);
  }
  if (Array.isArray(value)) return Buffer.concat([control(ARRAY, value.length), ...value.map(encode)]);
  const entries = Object.entries(value as { readonly [key: string]: MmdbValue });
  return Buffer.concat([
    control(MAP, entries.length),
    ...entries.flatMap(([key, each]) => [encode(key), encode(each)]),
  ]);
}

/** `{ '192.0.2.0/24': { … } }` → the bytes of the file. */
export function makeMmdb(networks: { readonly [prefix: string]: MmdbValue }): Buffer {
  type Node = [number | Buffer | undefined, number | Buffer | undefined];
  const nodes: Node[] = [[undefined, undefined]];
  for (const [prefix, value] of Object.entries(networks)) {
    const [address = '', length = '0'] = prefix.split('/');
    const bits = address
      .split('.')
      .map(part => Number(part).toString(2).padStart(8, '0'))
      .join('')
      .slice(0, Number(length));
    let at = 0;
    for (const [depth, bit] of [...bits].entries()) {
      const side = Number(bit) as 0 | 1;
      const node = nodes[at] as Node;
      if (depth === bits.length - 1) node[side] = encode(value);
      else {
        if (typeof node[side] !== 'number') node[side] = nodes.push([undefined, undefined]) - 1;
        at = node[side] as number;
      }
    }
  }
  const data: Buffer[] = [];
  let dataLength = 0;
  const tree = Buffer.alloc(nodes.length * 6);
  for (const [index, node] of nodes.entries()) {
    for (const side of [0, 1] as const) {
      const record = node[side];
      let pointer = nodes.length;
      if (typeof record === 'number') pointer = record;
      else if (record) {
        pointer = nodes.length + 16 + dataLength;
        data.push(record);
        dataLength += record.length;
      }
      tree.writeUIntBE(pointer, index * 6 + side * 3, 3);
    }
  }
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000n,
    database_type: 'Test',
    description: { en: 'test' },
    ip_version: 4,
    languages: ['en'],
    node_count: nodes.length,
    record_size: 24,
  });
  return Buffer.concat([
    tree,
    Buffer.alloc(16),
    ...data,
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    metadata,
  ]);
}
