import { expect, it } from 'vitest';
import { createStartLimit } from './start-limit.ts';

it('counts all addresses of an IPv6 network together, and again in the next minute', () => {
  let nowMs = 0;
  const mayStart = createStartLimit(() => nowMs);
  const allowed = Array.from({ length: 200 }, (_, n) => mayStart(`2001:db8::${n.toString(16)}`));
  expect(allowed.filter(Boolean)).toHaveLength(120);
  expect(mayStart('2001:db8:0:1::1')).toBe(true);
  expect(mayStart('192.0.2.1')).toBe(true);
  nowMs += 60_000;
  expect(mayStart('2001:db8::1')).toBe(true);
});
