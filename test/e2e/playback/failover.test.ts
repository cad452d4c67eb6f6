/**
 * A part of `npm run players` that runs with every change: our page and a DASH player when their site is killed, and our page
 * when its site stops responding. Playback continues from another site, and returns.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPlayerLab, type PlaybackResult, type PlayerLab } from '../../players/player-lab.ts';
import { PLAYERS, servePlayerPages } from '../../players/player-pages.ts';
import { chromiumPath } from '../../support/browser.ts';

const TIMES = { midPlaySeconds: 5, faultSeconds: 12, returnSeconds: 60 };
/** Playback should never stop, but a busy machine draws frames late. */
const TOLERATED_S = 0.5;

describe.skipIf(!chromiumPath)('a site that fails during playback', () => {
  let lab: PlayerLab;
  let pages: Awaited<ReturnType<typeof servePlayerPages>>;
  beforeAll(async () => {
    lab = await openPlayerLab();
    pages = await servePlayerPages();
  });
  afterAll(async () => {
    pages?.stop();
    await lab?.stop();
  });

  const openDash = () => {
    const index = PLAYERS.findIndex(({ format, setting }) => format === 'mpd' && setting === 'default');
    return lab.open('dash.js', client => {
      const url = `${lab.demo.tracker}/play/${lab.video}.mpd?client=${client}`;
      return `${pages.url}/page/${index}?url=${encodeURIComponent(url)}`;
    });
  };
  const expectFailover = (
    what: string,
    { starvedSeconds, movedAfter, returnedAfter, notes }: PlaybackResult,
  ) => {
    const details = `${what}: ${notes.join('; ')}`;
    expect(movedAfter, `moves: ${details}`).toBeDefined();
    expect(starvedSeconds, `stalls: ${details}`).toBeLessThanOrEqual(TOLERATED_S);
    expect(returnedAfter, `returns: ${details}`).toBeDefined();
  };

  it('is killed: our page and dash.js continue elsewhere, and return', async () => {
    const viewers = [await lab.watch(), await openDash()];
    const results = await lab.run(viewers, 'kill', TIMES);
    for (const [at, result] of results.entries()) expectFailover(viewers[at]?.name ?? '', result);
    for (const { page } of viewers) await page.close();
  });

  it('stops responding: our page continues elsewhere, and returns', async () => {
    const viewer = await lab.watch();
    const [result] = await lab.run([viewer], 'hang', TIMES);
    expectFailover(viewer.name, result as PlaybackResult);
    await viewer.page.close();
  });
});
