/** A video that is still being converted: a viewer who starts with its first minute also sees the rest. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeVideoSync } from '../../media/video-cache.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';
import { type Demo, findVideo, play, startDemo } from '../../support/demo.ts';
import { eventually } from '../../support/eventually.ts';
import { readVideo } from '../../support/sample-videos.ts';
import { upload } from '../../support/uploads.ts';

const SECONDS = 320;
/** Playback is possible after this much has been encoded. */
const FIRST_SECONDS = 32;
const RATE = 8;

/** Two chunks: the most that a playlist may grow by at once, unless the video is complete. */
const MAX_STEP = 16;

/** Reads a growing playlist again and again. @returns the listed segments of each version of it, the last one with an end */
async function followPlaylist(url: string): Promise<readonly (readonly string[])[]> {
  const versions: (readonly string[])[] = [];
  for (;;) {
    const text = await (await fetch(url)).text();
    const segments = text.match(/^\d+\.m4s/gm) ?? [];
    if (segments.length !== versions.at(-1)?.length) versions.push(segments);
    if (text.includes('#EXT-X-ENDLIST')) return versions;
    await sleep(500);
  }
}

/** A video that no browser plays, large enough that its first rendition takes a while. */
function makeSlowVideo(): string {
  const part = makeVideoSync('slow-part.avi', [
    ...['-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=25:duration=20'],
    ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000:duration=20'],
    ...['-c:v', 'mpeg4', '-q:v', '8', '-g', '50', '-c:a', 'mp2'],
  ]);
  return makeVideoSync('slow.avi', ['-stream_loop', '15', '-i', part, '-c', 'copy']);
}

describe.skipIf(!chromiumPath)('a video that is still being converted', () => {
  let demo: Demo;
  let browser: Browser;
  beforeAll(async () => {
    [demo, browser] = await Promise.all([startDemo(), launchBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await demo?.stop();
  });

  it('plays from its first to its last second on a page that was opened early', async () => {
    const { id } = await upload(demo.sites[0]?.url ?? '', demo.token, readVideo(makeSlowVideo()), {
      name: 'Long archive video',
    });
    const early = await eventually(
      'its beginning can be played',
      async () => {
        const found = await findVideo(demo, id);
        return found.state === 'registered' ? found : undefined;
      },
      120_000,
    );
    expect(early.durationMs).toBeLessThan(SECONDS * 1_000 - FIRST_SECONDS * 1_000);
    const list = await (await fetch((await play(demo, id)).hls)).text();
    const media = await (await fetch(/^http.*$/m.exec(list)?.[0] ?? '')).text();
    expect(media).toContain('#EXT-X-PLAYLIST-TYPE:EVENT');
    expect(media).not.toContain('#EXT-X-ENDLIST');

    const following = followPlaylist(/^http.*$/m.exec(list)?.[0] ?? '');

    const page = await browser.newPage();
    await page.goto(`${demo.central}/watch/${id}`);
    const read = <T>(what: string): Promise<T> =>
      page.evaluate<T>(`(() => { const video = document.querySelector('video'); return ${what}; })()`);
    await eventually(
      'playback has started',
      async () => (await read<number>('video?.currentTime ?? 0')) > 0.2,
      30_000,
    );
    // It starts at the beginning, not at the live edge.
    expect(await read<number>('video.currentTime')).toBeLessThan(10);
    const known = await read<number>('video.duration');
    expect(known).toBeLessThan(SECONDS - FIRST_SECONDS);
    expect(await read<string>('video.dataset.site ?? ""')).not.toBe('');

    await read(`void (video.playbackRate = ${RATE})`);
    await eventually('the video plays to its end', () => read<boolean>('video.ended'), 240_000);
    expect(await read<number>('video.currentTime')).toBeGreaterThan(SECONDS - 1);
    expect(await read<number>('video.duration')).toBeGreaterThan(known + FIRST_SECONDS);
    const whole = await findVideo(demo, id);
    expect(whole.durationMs).toBeGreaterThan((SECONDS - 1) * 1_000);
    const versions = await following;
    // The playlist grew in small steps, and never changed what it had listed.
    for (const [at, segments] of versions.entries()) {
      const before = versions[at - 1] ?? [];
      expect(segments.slice(0, before.length)).toEqual(before);
      if (at > 0 && at < versions.length - 1)
        expect(segments.length - before.length).toBeLessThanOrEqual(MAX_STEP);
    }
    expect(versions.length).toBeGreaterThan(SECONDS / 4 / MAX_STEP);
    // The playlist has an end now.
    const after = await (await fetch(`${demo.tracker}/relay/${id}/growing/aac-audio/media.m3u8`)).text();
    expect(after).toContain('#EXT-X-ENDLIST');
  }, 420_000);
});
