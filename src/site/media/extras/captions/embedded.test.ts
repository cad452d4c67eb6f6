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

it('keeps places, speakers and styles of every text format', async () => {
  const tools = await findMediaTools();
  if (!tools) throw new Error('these tests need ffmpeg');
  const [srt, vtt, ass] = ['places.srt', 'places.vtt', 'places.ass'].map(name => join(directory, name));
  writeFileSync(srt ?? '', '1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<i>top</i>\n\n');
  writeFileSync(vtt ?? '', 'WEBVTT\n\n00:01.000 --> 00:02.000 line:0 align:start\n<v Mary>hi\n\n');
  writeFileSync(ass ?? '', SCRIPT);
  const encode = ['-c:v', 'libx264', '-pix_fmt', 'yuv420p'];
  const all = ['-map', '0:v', '-map', '1', '-map', '2', '-map', '3', ...encode];
  const video = ['-f', 'lavfi', '-i', 'color=s=64x64:r=5:d=6'];
  const inputs = [...video, ...[srt, vtt, ass].flatMap(path => ['-i', path ?? ''])];
  const matroska = await makeVideo({ extension: 'mkv', args: [...inputs, ...all, '-c:s', 'copy'] });
  const fromMatroska = await extractCaptions(
    tools,
    { path: matroska, demuxer: 'matroska' },
    { directory, originSeconds: 0 },
  );
  const scripted = [
    { settings: '', text: '<v Mary><i>Hello</i>, &lt;world&gt;\nsecond</v>' },
    { settings: 'line:0', text: 'At the top' },
    { settings: 'line:10%,end position:25%,center', text: 'Placed' },
  ];
  expect(fromMatroska.map(({ cues }) => cues.map(({ settings, text }) => ({ settings, text })))).toEqual([
    [{ settings: 'line:0', text: '<i>top</i>' }],
    [{ settings: 'line:0 align:start', text: '<v Mary>hi</v>' }],
    scripted,
  ]);
  const quickTime = await makeVideo({
    extension: 'mp4',
    args: [...video, '-i', srt ?? '', '-map', '0', '-map', '1', ...encode, '-c:s', 'mov_text'],
  });
  const [found] = await extractCaptions(
    tools,
    { path: quickTime, demuxer: 'mov' },
    { directory, originSeconds: 0 },
  );
  expect(found?.cues).toEqual([{ startMs: 1_000, endMs: 2_000, settings: '', text: '<i>top</i>' }]);
});

const SCRIPT = `[Script Info]
ScriptType: v4.00+
PlayResX: 640
PlayResY: 360

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,20,&H00FFFFFF,&H000000FF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,2,2,2,10,10,10,1
Style: Top,Arial,20,&H00FFFFFF,&H000000FF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,2,2,8,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:02.50,Default,Mary,0,0,0,,{\\i1}Hello{\\i0}, <world>\\Nsecond
Dialogue: 0,0:00:02.50,0:00:04.00,Top,,0,0,0,,At the {a comment}top{\\p1}m 0 0 l 1 1
Dialogue: 0,0:00:04.00,0:00:05.00,Default,,0,0,0,,{\\pos(160,36)}Placed
`;
