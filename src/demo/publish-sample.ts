/** Publishes the sample video at the first start of the demo. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { findFfmpeg } from '../kernel/ffmpeg.ts';
import { call } from '../kernel/http/client.ts';
import { videoListSchema } from '../protocol/central.ts';
import type { DemoLayout } from './layout.ts';
import { makeSampleVideo, SAMPLE_SECONDS } from './sample-video.ts';
import { uploadVideo } from './upload.ts';

const REGISTERED_TIMEOUT_MS = 30_000;
const SAMPLE_NAME = '一条河的颜色 · Colours of a river';

interface SampleDeps {
  readonly layout: DemoLayout;
  readonly token: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly print: (line: string) => void;
}

export async function publishSample({ layout, token, environment, print }: SampleDeps): Promise<void> {
  // The list is read as an operator, because the sample may have been made private.
  const list = (): Promise<z.infer<typeof videoListSchema>> =>
    call(`${layout.centralUrl}/api/videos?limit=1`, {
      headers: { authorization: `Bearer ${token}` },
      timeoutMs: 5_000,
      maxBytes: 2 ** 20,
      response: videoListSchema,
    });
  if ((await list()).videos.length > 0) return print('✓ the videos of the last start are available');
  const [site] = layout.sites;
  const ffmpeg = findFfmpeg(environment);
  if (!site) return;
  if (!ffmpeg) {
    print(
      '– no sample video: no ffmpeg with x264 and AAC was found (set FFMPEG_PATH). Upload your own video.',
    );
    return;
  }
  const path = join(layout.dataDirectory, 'sample.mp4');
  if (!existsSync(path)) {
    print('… making a sample video');
    await makeSampleVideo(ffmpeg, path);
  }
  await uploadVideo(site.url, token, path, {
    name: SAMPLE_NAME,
    filename: 'sample.mp4',
    description: `A video of ${SAMPLE_SECONDS} seconds, made on this machine when the demo first started.`,
    language: 'zh',
  });
  const deadline = Date.now() + REGISTERED_TIMEOUT_MS;
  while ((await list()).videos[0]?.state !== 'registered') {
    if (Date.now() > deadline)
      throw new Error('The sample video was uploaded, but no tracker has registered it. See the logs.');
    await sleep(50);
  }
  print(`✓ sample video       uploaded at ${site.name}, published and registered`);
}
