/**
 * A selection of `npm run players`, for every change: our own page and a DASH player with a site that is killed, our own page
 * with a site that falls silent. The picture goes on from another site, and comes back.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPlayerLab, type PlaybackResult, type PlayerLab } from '../../players/player-lab.ts';
import { PLAYERS, servePlayerPages } from '../../players/player-pages.ts';
import { chromiumPath } from '../../support/browser.ts';

const TIMES = { midPlaySeconds: 5, faultSeconds: 12, returnSeconds: 60 };
/** The promise is none; a busy machine makes pictures late. */
const TOLERATED_S = 0.5;

describe.skipIf(!chromiumPath)('a site fails in mid-play', () => {
  let stage: PlayerLab;
  let pages: Awaited<ReturnType<typeof servePlayerPages>>;
  beforeAll(async () => {
    stage = await openPlayerLab();
    pages = await servePlayerPages();
  });
  afterAll(async () => {
    pages?.stop();
    await stage?.stop();
  });

  const openDash = () => {
    const index = PLAYERS.findIndex(({ format, setting }) => format === 'mpd' && setting === 'default');
    return stage.open('dash.js', client => {
      const url = `${stage.demo.tracker}/play/${stage.video}.mpd?client=${client}`;
      return `${pages.url}/page/${index}?url=${encodeURIComponent(url)}`;
    });
  };
  const expectToGoOn = (
    what: string,
    { starvedSeconds, movedAfter, returnedAfter, notes }: PlaybackResult,
  ) => {
    const told = `${what}: ${notes.join('; ')}`;
    expect(movedAfter, `moves: ${told}`).toBeDefined();
    expect(starvedSeconds, `stands still: ${told}`).toBeLessThanOrEqual(TOLERATED_S);
    expect(returnedAfter, `returns: ${told}`).toBeDefined();
  };

  it('is killed: our own page and dash.js play on, and come back', async () => {
    const viewers = [await stage.watch(), await openDash()];
    const courses = await stage.run(viewers, 'kill', TIMES);
    for (const [at, course] of courses.entries()) expectToGoOn(viewers[at]?.name ?? '', course);
    for (const { page } of viewers) await page.close();
  });

  it('falls silent: our own page plays on, and comes back', async () => {
    const viewer = await stage.watch();
    const [course] = await stage.run([viewer], 'hang', TIMES);
    expectToGoOn(viewer.name, course as PlaybackResult);
    await viewer.page.close();
  });
});
