/** The sample video of the demo: 20 s of video and audio, which ffmpeg generates. */
import { spawn } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';

export const SAMPLE_SECONDS = 20;

/** Slowly changing colours, with the waveform of the audio on top. */
const sampleArguments = (output: string): readonly string[] => [
  '-hide_banner',
  '-loglevel',
  'error',
  '-y',
  '-f',
  'lavfi',
  '-i',
  `gradients=size=1280x720:rate=25:duration=${SAMPLE_SECONDS}:speed=0.02:c0=0x0b3954:c1=0x087e8b:c2=0xbfd7ea:n=3`,
  '-f',
  'lavfi',
  '-i',
  `aevalsrc=0.25*sin(2*PI*(220+55*floor(mod(t\\,8)/2))*t)*exp(-1.5*mod(t\\,0.5))|0.25*sin(2*PI*(330+55*floor(mod(t\\,8)/2))*t)*exp(-1.5*mod(t\\,0.5)):s=48000:d=${SAMPLE_SECONDS}`,
  '-filter_complex',
  '[1:a]asplit[sound][wave];[wave]showwaves=s=1280x220:mode=cline:rate=25:colors=white@0.7[line];[0:v][line]overlay=0:H-h-60:shortest=1,format=yuv420p[picture]',
  '-map',
  '[picture]',
  '-map',
  '[sound]',
  '-c:v',
  'libx264',
  '-preset',
  'veryfast',
  '-g',
  '50',
  '-crf',
  '23',
  '-c:a',
  'aac',
  '-b:a',
  '128k',
  '-movflags',
  '+faststart',
  '-f',
  'mp4',
  output,
];

/** @throws Error with the output of ffmpeg if it fails; then no file is left */
export async function makeSampleVideo(ffmpeg: string, path: string): Promise<void> {
  const unfinished = `${path}.part`;
  const process = spawn(ffmpeg, sampleArguments(unfinished), { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  process.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    process.once('error', reject);
    process.once('close', resolve);
  });
  if (code !== 0) {
    await rm(unfinished, { force: true });
    throw new Error(`ffmpeg could not make the sample video: ${errors.trim()}`);
  }
  await rename(unfinished, path);
}
