import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeVideo } from '../../../../../test/media/video-cache.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../../../../test/support/temporary-directory.ts';
import { findMediaTools } from '../../ffmpeg/ffmpeg.ts';
import { extractCaptions } from './embedded.ts';

let directory: string;
beforeAll(async () => {
  directory = await makeTemporaryDirectory('captions');
});
afterAll(() => removeDirectory(directory));

it('counts the times of cues from the beginning of the served video, whichever stream begins first', async () => {
  const tools = await findMediaTools();
  if (!tools) throw new Error('these tests need ffmpeg');
  const subtitles = join(directory, 'cues.srt');
  writeFileSync(
    subtitles,
    '1\n00:00:01,000 --> 00:00:02,000\nbefore\n\n2\n00:00:04,500 --> 00:00:06,000\nacross\n\n3\n00:00:07,000 --> 00:00:08,000\nwithin\n',
  );
  const path = await makeVideo({
    extension: 'mkv',
    args: [
      ...['-i', subtitles, '-itsoffset', '5', '-f', 'lavfi', '-i', 'color=s=64x64:r=5:d=5'],
      ...['-map', '1:v', '-map', '0:s', '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-c:s', 'srt'],
    ],
  });
  const source = { path, demuxer: 'matroska' } as const;
  const [found] = await extractCaptions(tools, source, { directory, originSeconds: 5 });
  expect(found?.cues).toEqual([
    { startMs: 0, endMs: 1_000, settings: '', text: 'across' },
    { startMs: 2_000, endMs: 3_000, settings: '', text: 'within' },
  ]);
});
