import { describe, expect, it } from 'vitest';
import type { Source } from '../../protocol/tracker.ts';
import { addSources, findServingSite, listSwitches, NOT_SERVING, recordServed } from './site-switches.ts';

const source = (site: string, host: string): Source =>
  ({ site, name: site.toUpperCase(), baseUrl: `http://${host}` }) as unknown as Source;
const A = '127.0.0.2:1';
const B = '127.0.0.3:1';

describe('the sites that serve a video', () => {
  it('are recorded when they change, newest first', () => {
    let serving = addSources(NOT_SERVING, [source('a', A), source('b', B)]);
    expect(findServingSite(serving)).toBeUndefined();
    serving = recordServed(serving, A, 1);
    serving = recordServed(serving, A, 2);
    serving = recordServed(serving, B, 3);
    expect(findServingSite(serving)).toBe('b');
    expect(listSwitches(serving)).toEqual([
      { from: 'A', to: 'B', atMs: 3 },
      { from: undefined, to: 'A', atMs: 1 },
    ]);
  });
  it('keep their names after they leave the ranking', () => {
    let serving = recordServed(addSources(NOT_SERVING, [source('b', B)]), B, 1);
    serving = addSources(serving, [source('a', A)]);
    expect(findServingSite(serving)).toBe('b');
  });
  it('are named by their host until they are known', () => {
    const early = recordServed(NOT_SERVING, B, 1);
    expect(listSwitches(early)).toEqual([{ from: undefined, to: B, atMs: 1 }]);
    expect(findServingSite(early)).toBeUndefined();
    expect(listSwitches(addSources(early, [source('b', B)]))).toEqual([
      { from: undefined, to: 'B', atMs: 1 },
    ]);
  });
  it('are limited to the last twenty switches', () => {
    let serving = NOT_SERVING;
    for (let at = 0; at < 30; at++) serving = recordServed(serving, at % 2 ? A : B, at);
    const switches = listSwitches(serving);
    expect([switches.length, switches[0]?.atMs, switches.at(-1)?.atMs]).toEqual([20, 29, 10]);
  });
});
