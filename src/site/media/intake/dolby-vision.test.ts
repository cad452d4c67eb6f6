/** Dolby Vision is rejected by name if nothing but a Dolby decoder shows its colours. Otherwise its base layer is published. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MediaPipeline, openMediaPipeline } from '../../../../test/media/media-pipeline.ts';
import { makeVideoSync } from '../../../../test/media/video-cache.ts';

let pipeline: MediaPipeline;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-dolby-'));
  pipeline = await openMediaPipeline({ ladder: [{ codec: 'h264', lines: 120, kbps: 200 }] });
});
afterAll(async () => {
  await pipeline.close();
  await rm(directory, { recursive: true, force: true });
});

const hevc = [
  ...['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=10:d=2', '-vf', 'format=yuv420p10le'],
  ...['-c:v', 'libx265', '-preset', 'ultrafast', '-tag:v', 'hvc1', '-x265-params'],
  'log-level=none:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc',
];

/** Replaces two boxes that nobody needs, 36 bytes together, by the configuration of Dolby Vision. */
async function writeDolbyVision(profile: number, compatibility: number, entry: string): Promise<string> {
  const bytes = await readFile(makeVideoSync('dolby-base.mp4', hevc));
  const pasp = bytes.indexOf('pasp') - 4;
  expect([bytes.readUInt32BE(pasp), bytes.toString('latin1', pasp + 20, pasp + 24)]).toEqual([16, 'btrt']);
  bytes.fill(0, pasp, pasp + 36);
  bytes.writeUInt32BE(36, pasp);
  bytes.write(profile > 7 ? 'dvvC' : 'dvcC', pasp + 4, 'latin1');
  bytes.set([1, 0, profile << 1, (1 << 3) | 5, compatibility << 4], pasp + 8);
  bytes.write(entry, bytes.indexOf('hvc1', bytes.indexOf('stsd')), 'latin1');
  const path = join(directory, `${profile}-${compatibility}-${entry}.mp4`);
  await writeFile(path, bytes);
  return path;
}

async function process(path: string) {
  const row = await pipeline.untilProcessed(await pipeline.upload(path));
  return { state: row.state, code: row.error_code, detail: row.error_detail };
}

const rejected = (profile: number) => ({
  state: 'failed',
  code: 'codec-unsupported',
  detail: `The video is Dolby Vision profile ${profile}, whose colours only Dolby decoders show correctly. Export it as HDR10, HLG or SDR, and upload it again.`,
});
const ready = { state: 'ready', code: null, detail: null };

describe('Dolby Vision', () => {
  it.each([
    [5, 0, 'dvh1', rejected(5)],
    [5, 0, 'hvc1', rejected(5)],
    [10, 0, 'hvc1', rejected(10)],
    [8, 1, 'hvc1', ready],
    [8, 4, 'dvh1', ready],
    [8, 4, 'hvc1', ready],
    [7, 6, 'dvh1', ready],
  ])(
    'profile %i with compatibility %i in %s is published only if every player shows its colours',
    async (profile, compatibility, entry, expected) => {
      expect(await process(await writeDolbyVision(profile, compatibility, entry))).toEqual(expected);
    },
  );
});
