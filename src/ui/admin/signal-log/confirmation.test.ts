import { describe, expect, it } from 'vitest';
import { chooseConfirmation } from './confirmation.ts';

const AT = '2026-01-01T12:00:00.000Z';

describe('a site that has not confirmed a withdrawal', () => {
  const now = Date.parse(AT);
  const seen = (ageMs: number) =>
    chooseConfirmation({ lastSeenAt: new Date(now - ageMs).toISOString() } as never, now);
  it('was never seen, is working, or is unreachable', () => {
    expect(chooseConfirmation({}, now)).toEqual({ kind: 'not-seen' });
    expect(seen(60_000)).toEqual({ kind: 'in-progress' });
    expect(seen(60_001)).toEqual({ kind: 'unreachable', since: '2026-01-01T11:58:59.999Z' });
  });
});
