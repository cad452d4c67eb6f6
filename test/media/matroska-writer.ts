/** Writes Matroska in ways that ffmpeg reads but does not write: lacing, header stripping, unknown sizes, block groups. */
import { readFile } from 'node:fs/promises';
import { FileBytes, indexContainer } from '../../src/site/media/containers/containers.ts';
import { formatElement, listElements } from '../../src/site/media/containers/matroska/ebml.ts';
import { readTracks } from '../../src/site/media/containers/matroska/track-entries.ts';

export interface Variant {
  /** 1 Xiph, 2 fixed sizes, 3 EBML (RFC 9559, section 10.3); audio only, four frames per block. */
  readonly lacing?: 1 | 2 | 3;
  /** The segment and its clusters have unknown sizes. */
  readonly unknownSizes?: boolean;
  /** Block groups instead of simple blocks. */
  readonly blockGroups?: boolean;
  /** The first byte of all audio frames is stored once, if all have the same. */
  readonly stripHeader?: boolean;
  /** A ContentEncoding that the audio track declares; its frames are written unchanged. */
  readonly encoding?: Buffer;
}

const SEGMENT = 0x18538067;
const CLUSTER = 0x1f43b675;
const LACED_FRAMES = 4;
const CLUSTER_MS = 2_000;

interface Frame {
  readonly track: number;
  readonly kind: 'video' | 'audio';
  readonly timeMs: number;
  readonly isSync: boolean;
  readonly bytes: Buffer;
}

/** Writes the frames of a Matroska video from ffmpeg again. */
export async function rewriteMatroska(video: string, variant: Variant): Promise<Buffer> {
  const source = await readFile(video);
  const head = copyHead(source);
  // Block times include the codec's delay; indexed times do not.
  const delaysMs = new Map(
    readTracks(head.tracks).map(track => [track.number, track.codecDelay / 1_000_000]),
  );
  const frames = await FileBytes.with(video, async file =>
    indexContainer(file).tracks.flatMap(({ id, kind, samples, timescale }) =>
      Array.from({ length: samples.count }, (_, i): Frame => {
        const at = samples.offsets[i]!;
        return {
          track: id,
          kind,
          timeMs: Math.round((samples.presentationTimes[i]! * 1_000) / timescale + (delaysMs.get(id) ?? 0)),
          isSync: samples.sync[i] === 1,
          bytes: source.subarray(at, at + samples.sizes[i]!),
        };
      }),
    ),
  );
  const encoding = variant.stripHeader ? formatStripping(frames) : variant.encoding;
  const tracks = encoding ? withEncoding(head.tracks, encoding) : head.tracks;
  const clusters = groupFrames(frames).map(group => formatCluster(group, variant));
  const body = [formatElement(0x1549a966, head.info), formatElement(0x1654ae6b, tracks), ...clusters];
  return Buffer.concat([head.ebml, open(SEGMENT, Buffer.concat(body), variant)]);
}

function copyHead(source: Buffer): { ebml: Buffer; info: Buffer; tracks: Buffer } {
  const [ebml, segment] = [...listElements(source)];
  const children = new Map(
    [...listElements(source.subarray(segment!.body, segment!.end))].map(child => [
      child.id,
      source.subarray(segment!.body + child.body, segment!.body + child.end),
    ]),
  );
  return {
    ebml: source.subarray(0, ebml!.end),
    info: children.get(0x1549a966)!,
    tracks: children.get(0x1654ae6b)!,
  };
}

/** Compression by header stripping of the byte with which all audio frames begin. */
function formatStripping(frames: readonly Frame[]): Buffer {
  const sound = frames.filter(frame => frame.kind === 'audio');
  const first = sound[0]!.bytes[0]!;
  if (sound.some(frame => frame.bytes[0] !== first))
    throw new Error('the frames do not begin with the same byte');
  const settings = [formatElement(0x4254, Buffer.from([3])), formatElement(0x4255, Buffer.from([first]))];
  return formatElement(0x6240, formatElement(0x5034, ...settings));
}

/** Adds an encoding to the audio track. */
const withEncoding = (tracks: Buffer, encoding: Buffer): Buffer =>
  Buffer.concat(
    [...listElements(tracks)].flatMap(entry => {
      // The checksum of the entries would no longer match.
      if (entry.id !== 0xae) return [];
      const body = tracks.subarray(entry.body, entry.end);
      const type = [...listElements(body)].find(field => field.id === 0x83);
      const isSound = type !== undefined && body[type.body] === 2;
      return formatElement(entry.id, body, ...(isSound ? [formatElement(0x6d80, encoding)] : []));
    }),
  );

function groupFrames(frames: readonly Frame[]): readonly (readonly Frame[])[] {
  const groups: Frame[][] = [];
  // Within a cluster the frames of each track keep their order.
  for (const frame of frames) {
    const decodeGroup = Math.max(0, Math.floor(frame.timeMs / CLUSTER_MS));
    groups[decodeGroup] ??= [];
    groups[decodeGroup].push(frame);
  }
  return groups.filter(group => group !== undefined);
}

function formatCluster(frames: readonly Frame[], variant: Variant): Buffer {
  const start = Math.max(0, Math.min(...frames.map(frame => frame.timeMs)));
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(start));
  const blocks: Buffer[] = [formatElement(0xe7, time)];
  for (let i = 0; i < frames.length; ) {
    const frame = frames[i]!;
    let lace = [frame];
    if (variant.lacing && frame.kind === 'audio') {
      lace = frames.slice(i, i + LACED_FRAMES).filter(other => other.track === frame.track);
      // Fixed lacing requires equal sizes.
      if (variant.lacing === 2 && lace.some(other => other.bytes.length !== frame.bytes.length))
        lace = [frame];
    }
    blocks.push(formatBlock(lace, start, variant));
    i += lace.length;
  }
  return open(CLUSTER, Buffer.concat(blocks), variant);
}

function formatBlock(lace: readonly Frame[], clusterStart: number, variant: Variant): Buffer {
  const { track, timeMs, isSync, kind } = lace[0]!;
  const lacing = lace.length > 1 ? variant.lacing! : 0;
  const header = Buffer.alloc(4);
  header[0] = 0x80 | track;
  header.writeInt16BE(timeMs - clusterStart, 1);
  header[3] = (isSync && !variant.blockGroups ? 0x80 : 0) | (lacing << 1);
  const bytes = lace.map(frame =>
    variant.stripHeader && kind === 'audio' ? frame.bytes.subarray(1) : frame.bytes,
  );
  const body = Buffer.concat([header, formatLace(bytes, lacing), ...bytes]);
  if (!variant.blockGroups) return formatElement(0xa3, body);
  const reference = isSync ? [] : [formatElement(0xfb, Buffer.from([0xff]))];
  return formatElement(0xa0, formatElement(0xa1, body), ...reference);
}

function formatLace(frames: readonly Buffer[], lacing: number): Buffer {
  if (lacing === 0) return Buffer.alloc(0);
  const count = Buffer.from([frames.length - 1]);
  const sizes = frames.slice(0, -1).map(frame => frame.length);
  if (lacing === 1) {
    return Buffer.concat([
      count,
      ...sizes.map(size => Buffer.from([...Array(Math.floor(size / 255)).fill(255), size % 255])),
    ]);
  }
  if (lacing === 2) return count;
  const coded = sizes.map((size, i) => {
    const value = i === 0 ? size : size - sizes[i - 1]! + 2 ** 13 - 1;
    return Buffer.from([0x40 | (value >> 8), value & 0xff]);
  });
  return Buffer.concat([count, ...coded]);
}

function open(id: number, body: Buffer, variant: Variant): Buffer {
  const element = formatElement(id, body);
  if (variant.unknownSizes) element.set([0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 4);
  return element;
}
