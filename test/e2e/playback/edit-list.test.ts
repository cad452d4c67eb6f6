/** A video that was cut between two key frames without encoding: a player in a real browser starts at the cut. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withServedSource } from '../../media/serve-source.ts';
import { makeVideo } from '../../media/video-cache.ts';
import { makeTrimmed, recipes } from '../../media/videos.ts';
import { chromiumPath, launchBrowser } from '../../support/browser.ts';

/** The video has a key frame every two seconds. */
const CUT_AT_S = 3.3;
const HIDDEN_S = 1.3;
const SHOWN_S = 5;

it.skipIf(!chromiumPath)('starts at the cut, and plays to its end', async () => {
  const cut = await makeTrimmed(recipes.mp4, String(CUT_AT_S), String(SHOWN_S));
  const browser = await launchBrowser();
  try {
    const watch = async (path: string) =>
      withServedSource(path, async ({ baseUrl, multivariantUrl }) => {
        const page = await browser.newPage();
        // A page of the same origin as the stream.
        await page.route('**/page', route =>
          route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
        );
        await page.goto(`${baseUrl}page`);
        await page.addScriptTag({ content: readFileSync('node_modules/hls.js/dist/hls.min.js', 'utf8') });
        return page.evaluate<{ began: number; end: number }>(`new Promise((resolve, reject) => {
          const video = document.createElement('video');
          video.muted = true;
          const hls = new Hls({ enableWorker: false });
          let began;
          const timer = setTimeout(() => reject(new Error('it did not come to its end: ' + video.currentTime)), 60000);
          video.addEventListener('playing', () => { began ??= video.currentTime; });
          video.addEventListener('ended', () => { clearTimeout(timer); resolve({ began, end: video.currentTime }); });
          hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) reject(new Error(data.details)); });
          hls.on(Hls.Events.MANIFEST_PARSED, () => { video.play(); });
          hls.loadSource('${multivariantUrl}');
          hls.attachMedia(video);
        })`);
      });
    const trimmed = await watch(cut);
    expect(trimmed.began).toBeGreaterThan(HIDDEN_S - 0.1);
    expect(trimmed.began).toBeLessThan(HIDDEN_S + 0.5);
    expect(trimmed.end).toBeGreaterThan(HIDDEN_S + SHOWN_S - 0.3);
    expect((await watch(await makeVideo(recipes.mp4))).began).toBeLessThan(0.3);
  } finally {
    await browser.close();
  }
});
