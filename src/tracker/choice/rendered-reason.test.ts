import { expect, test } from 'vitest';
import { reasonSchema } from '../../protocol/tracker.ts';
import { asciiJson, RenderedReason } from './rendered-reason.ts';

test.each([
  'plain',
  '',
  'with "quotes" and \\',
  'a\nline\u0000',
  '视频 讲座',
  '🎬',
  '\ud800',
  '\u2028',
  'é\u007f',
])('the JSON of %j is the same text in ASCII', text => {
  const json = asciiJson(text);
  expect(JSON.parse(json)).toBe(text);
  expect(json).toMatch(/^[\x20-\x7e]*$/);
});

test('the prepared JSON of a reason matches the reason', () => {
  const figures = { km: 1_234, prefix: '10.0.0.0/8 “a”', own: true, expectedBps: 1.5e6 };
  const reason = new RenderedReason('distance', 'About 1,234 km – from “you”.', figures);
  expect(JSON.parse(reason.json)).toEqual({ code: 'distance', text: reason.text, figures });
  expect(reasonSchema.parse(JSON.parse(reason.json))).toEqual(JSON.parse(JSON.stringify(reason)));
  expect(JSON.parse(new RenderedReason('degraded', 'x').json)).toEqual({ code: 'degraded', text: 'x' });
});
