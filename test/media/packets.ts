/** The packets of a source as ffmpeg reads them without decoding. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { requireFfmpeg } from './video-cache.ts';

const run = promisify(execFile);

export interface Packet {
  /** Seconds; NaN if ffmpeg does not know. */
  readonly pts: number;
  readonly sizeBytes: number;
  readonly md5: string;
}

export interface PacketStream {
  readonly kind: string;
  /** Seconds per tick. */
  readonly tick: number;
  readonly packets: readonly Packet[];
}

/** Streams in ffmpeg's order: video, then audio. */
export async function readPackets(
  input: string,
  args: readonly string[] = [],
): Promise<readonly PacketStream[]> {
  const { stdout, stderr } = await run(
    requireFfmpeg(),
    [
      '-v',
      'warning',
      ...args,
      '-i',
      input,
      '-c',
      'copy',
      '-map',
      '0:v?',
      '-map',
      '0:a?',
      '-f',
      'framemd5',
      '-',
    ],
    { maxBuffer: 2 ** 28 },
  );
  if (/error|invalid|corrupt/i.test(stderr)) throw new Error(stderr);
  const streams: { kind: string; tick: number; packets: Packet[] }[] = [];
  for (const line of stdout.split('\n')) {
    const timeBase = /^#tb (\d+): (\d+)\/(\d+)$/.exec(line);
    if (timeBase) {
      streams[Number(timeBase[1])] = {
        kind: '',
        tick: Number(timeBase[2]) / Number(timeBase[3]),
        packets: [],
      };
    }
    const kind = /^#media_type (\d+): (\w+)$/.exec(line);
    if (kind) streams[Number(kind[1])]!.kind = kind[2]!;
    if (line.startsWith('#') || line.trim() === '') continue;
    const [stream, , pts, , size, md5] = line.split(',').map(field => field.trim());
    const { tick, packets } = streams[Number(stream)]!;
    packets.push({ pts: Number(pts) * tick, sizeBytes: Number(size), md5: md5! });
  }
  return streams;
}

/** Decodes everything. @returns the warnings of ffmpeg: none for a good video */
export async function decode(input: string): Promise<string> {
  const { stderr } = await run(requireFfmpeg(), ['-v', 'warning', '-i', input, '-f', 'null', '-'], {
    maxBuffer: 2 ** 26,
  });
  return stderr;
}

/** Expects the same packets in the same order, and the same times except for one shift of all streams, within a tick of either side. */
export function expectSamePackets(served: readonly PacketStream[], source: readonly PacketStream[]): void {
  expect(served.map(stream => stream.kind)).toEqual(source.map(stream => stream.kind));
  for (const [i, stream] of served.entries()) {
    const fingerprint = (of: PacketStream): readonly string[] =>
      of.packets.map(p => `${p.sizeBytes} ${p.md5}`);
    expect(fingerprint(stream)).toEqual(fingerprint(source[i]!));
  }
  const shift = source[0]!.packets[0]!.pts - served[0]!.packets[0]!.pts;
  for (const [i, stream] of served.entries()) {
    const slack = stream.tick + source[i]!.tick + served[0]!.tick + source[0]!.tick;
    for (const [j, packet] of stream.packets.entries()) {
      const off = packet.pts + shift - source[i]!.packets[j]!.pts;
      if (!(Math.abs(off) <= slack)) expect.fail(`stream ${i}, packet ${j} is off by ${off} s`);
    }
  }
}
