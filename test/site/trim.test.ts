/** Trimming: the first and last frames are exact, the audio is in place, and players show nothing outside the marks. */
import { execFile } from 'node:child_process';
import { link, open, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newRevisionId, newVideoId } from '../../src/protocol/base/ids.ts';
import { parseDownloadPlan } from '../../src/protocol/media/download-plan.ts';
import { Presentation } from '../../src/site/media/cut/cut.ts';
import { createDownloadFiles } from '../../src/site/media/cut/download/download-files.ts';
import { prepareSource } from '../../src/site/media/index/source-index.ts';
import { trimVideo } from '../../src/site/media/trim/trim.ts';
import { makeVideo, requireFfmpeg } from '../media/video-cache.ts';
import { recipes } from '../media/videos.ts';
import { makeTemporaryDirectory, removeDirectory } from '../support/temporary-directory.ts';

const run = promisify(execFile);
let directory: string;
beforeAll(async () => {
  directory = await makeTemporaryDirectory('trim');
});
afterAll(() => removeDirectory(directory));

const framesOf = async (input: string, filter?: string): Promise<readonly string[]> => {
  const args = [
    '-v',
    'error',
    '-i',
    input,
    '-map',
    '0:v',
    ...(filter ? ['-vf', filter] : []),
    '-fps_mode',
    'passthrough',
    '-f',
    'framemd5',
    '-',
  ];
  const { stdout } = await run(requireFfmpeg(), args, { maxBuffer: 2 ** 26 });
  return stdout
    .split('\n')
    .filter(line => line && !line.startsWith('#'))
    .map(line => line.split(',').at(-1)?.trim() ?? '');
};

const video = newVideoId();
const storage = {
  directory: () => directory,
  open: (_: unknown, name: string) => open(join(directory, name), 'r'),
};

describe.each([
  ['mp4', 25, 3_160, 9_240],
  ['mp4', 25, 4_000, 7_000],
  ['mp4', 25, 5_040, 5_280],
  ['mkvNtsc', 30_000 / 1_001, 2_503, 8_575],
] as const)('%s at %f fps from %i to %i ms', (name, fps, startMs, endMs) => {
  it('is exact as a file', async () => {
    const source = await makeVideo(recipes[name]);
    await link(source, join(directory, 'source')).catch(() => undefined);
    await prepareSource(source, join(directory, `${name}.index`));
    // The index names the file by its cached name.
    await link(source, join(directory, source.split('/').at(-1) ?? '')).catch(() => undefined);
    const trimmed = await trimVideo(storage, video, {
      indexes: [`${name}.index`],
      range: { startSeconds: startMs / 1_000, endSeconds: endMs / 1_000 },
    });
    const presentation = await Presentation.open({
      directory,
      indexes: trimmed.indexes,
      open: n => open(join(directory, n), 'r'),
    });
    const files = createDownloadFiles();
    const revision = newRevisionId();
    const planBytes = await files.ofRendition(
      { video, revision, file: 'source-video/download.bin' },
      presentation,
    );
    const head = await files.ofRendition({ video, revision, file: 'source-video/head.bin' }, presentation);
    const plan = parseDownloadPlan(planBytes?.body ?? Buffer.alloc(0));
    const parts: Buffer[] = [];
    for (let i = 0; i < plan.partCount; i++) {
      const { file, start, end } = plan.partAt(i);
      const body = file.endsWith('head.bin') ? head?.body : (await presentation.file(file))?.body;
      parts.push((body ?? Buffer.alloc(0)).subarray(start, end));
    }
    const path = join(directory, `${name}-${startMs}.mp4`);
    await writeFile(path, Buffer.concat(parts));
    const all = await framesOf(source);
    const first = Math.round((startMs * fps) / 1_000);
    const end = Math.round((endMs * fps) / 1_000);
    expect(await framesOf(path)).toEqual(all.slice(first, end));
    await presentation.close();
  });
});
void readFile;
void dirname;
