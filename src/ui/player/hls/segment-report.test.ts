import { expect, it } from 'vitest';
import { measureSegment } from './segment-report.ts';

it('reports bits per second', () => {
  expect(measureSegment('site:1', 1_000_000, 500)).toEqual({ host: 'site:1', bps: 16_000_000 });
});
it('reports nothing for a segment that is too small or came from a cache', () => {
  expect(measureSegment('site:1', 19_999, 500)).toBeUndefined();
  expect(measureSegment('site:1', 1_000_000, 0)).toBeUndefined();
});
