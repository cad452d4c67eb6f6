/** How far the plan relies on a site: short outages do not matter, and after long ones the site must stay up for a while. */
import { expect, it } from 'vitest';
import { OUTAGE_MS, type PresenceReports, presenceOf, SILENCE_MS, STABLE_MS } from './presence.ts';

const NOW_MS = 1e12;
const reports = (changes: Partial<PresenceReports>): PresenceReports => ({
  state: 'up',
  downSinceMs: undefined,
  returnedAtMs: undefined,
  contactAtMs: NOW_MS,
  ...changes,
});

it.each([
  [{}, 'steady'],
  [{ state: 'unknown', contactAtMs: undefined }, 'steady'],
  [{ state: 'unknown', contactAtMs: NOW_MS - SILENCE_MS }, 'interrupted'],
  [{ contactAtMs: NOW_MS - SILENCE_MS }, 'interrupted'],
  [{ state: 'down', downSinceMs: NOW_MS }, 'interrupted'],
  [{ state: 'down', downSinceMs: NOW_MS - OUTAGE_MS + 1 }, 'interrupted'],
  [{ state: 'down', downSinceMs: NOW_MS - OUTAGE_MS }, 'absent'],
  [{ state: 'unknown', downSinceMs: NOW_MS - OUTAGE_MS }, 'steady'],
  [{ returnedAtMs: NOW_MS }, 'returning'],
  [{ returnedAtMs: NOW_MS - STABLE_MS + 1 }, 'returning'],
  [{ returnedAtMs: NOW_MS - STABLE_MS }, 'steady'],
] as const)('%o: %s', (changes, expected) => {
  expect(presenceOf(reports(changes), NOW_MS)).toBe(expected);
});
