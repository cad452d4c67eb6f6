/**
 * Players without content steering, through `/relay`: the site that serves them is killed in the middle of the video, and
 * they play to its end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requireFfmpeg } from '../../media/video-cache.ts';
import { type Demo, findVideo, play, startDemo } from '../../support/demo.ts';
import { eventually } from '../../support/eventually.ts';
import { minuteVideo, readVideo } from '../../support/sample-videos.ts';
import { upload } from '../../support/uploads.ts';

const VIDEO_S = 60;
/** The site is killed halfway: the other 30 seconds come from another site. */
const KILL_AT_S = 15;
/** Segments in transfer when the site was killed, and those requested before the tracker knew. */
const LOST_S = 9;
const FRAMES_A_SECOND = 25;

let demo: Demo;
let id: string;
/** The process id of the site that serves. */
let home: number;
beforeAll(async () => {
  demo = await startDemo();
  home = demo.sites[0]?.pid ?? 0;
  // The third site stores the video. The first one serves the viewers of its zone with what it fetches from there.
  ({ id } = await upload(demo.sites[2]?.url ?? '', demo.token, readVideo(minuteVideo()), { name: 'Minute' }));
  await eventually(
    'it is registered',
    async () => (await findVideo(demo, id)).state === 'registered' || undefined,
  );
});
afterAll(() => demo?.stop());

interface PlainPlayer {
  readonly command: string;
  readonly args: (url: string) => readonly string[];
  /** The last playback position that the player printed, in seconds. */
  readonly readTime: (output: string) => number;
  /** The number of frames that it received, if it prints that. */
  readonly countFrames?: (output: string) => number;
}

const clock = (hours: string, minutes: string, rest: string): number =>
  Number(hours) * 3_600 + Number(minutes) * 60 + Number(rest);
const lastClock = (output: string, pattern: RegExp): number => {
  const [, hours = '0', minutes = '0', rest = '0'] = [...output.matchAll(pattern)].at(-1) ?? [];
  return clock(hours, minutes, rest);
};

const players: Readonly<Record<string, PlainPlayer>> = {
  ffmpeg: {
    command: requireFfmpeg(),
    args: url => [
      '-hide_banner',
      '-stats',
      '-readrate',
      '3',
      '-i',
      url,
      '-map',
      '0:v:0',
      '-c',
      'copy',
      '-f',
      'null',
      '-',
    ],
    readTime: output => lastClock(output, /time=(\d+):(\d+):([\d.]+)/g),
    countFrames: output => Number([...output.matchAll(/frame=\s*(\d+)/g)].at(-1)?.[1]),
  },
  mpv: {
    command: 'mpv',
    args: url => [
      ...['--no-config', '--vo=null', '--ao=null', '--speed=3', '--demuxer-readahead-secs=3', '--cache=no'],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: mpv's own placeholder
      '--term-status-msg=AT ${time-pos}',
      url,
    ],
    readTime: output => lastClock(output, /AT (\d+):(\d+):([\d.]+)/g),
  },
};

it.each(Object.keys(players))('%s plays to the end', async name => {
  const player = players[name] as PlainPlayer;
  const viewer = demo.sites[0]?.viewer;
  const url = `${demo.tracker}/relay/${id}.m3u8?client=${viewer}`;
  await eventually(
    'the first site serves',
    async () => (await play(demo, id, viewer)).sources[0]?.site === demo.sites[0]?.id || undefined,
    60_000,
  );
  let output = '';
  const child: ChildProcess = spawn(player.command, player.args(url), { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>(done => child.once('exit', done));
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (text: Buffer) => {
      output += text;
    });
  }
  try {
    await eventually('it plays', () => player.readTime(output) >= KILL_AT_S || undefined, 30_000);
    process.kill(home, 'SIGKILL');
    expect(await ended).toBe(0);
    expect(player.readTime(output)).toBeGreaterThan(VIDEO_S - 2);
  } finally {
    child.kill('SIGKILL');
    home = (await demo.restart('site-1')).pid ?? 0;
  }
  const frames = player.countFrames?.(output);
  if (frames !== undefined) expect(frames).toBeGreaterThan((VIDEO_S - LOST_S) * FRAMES_A_SECOND);
});
