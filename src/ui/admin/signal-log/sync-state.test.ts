import { describe, expect, it } from 'vitest';
import type { Site } from '../../../protocol/central.ts';
import { chooseConfirmation, chooseSyncState } from './sync-state.ts';

const AT = '2026-01-01T12:00:00.000Z';
const choose = (publication: object | undefined) => chooseSyncState(publication as Site['publication']);

describe('the sync state of a site', () => {
  it('waits for the first handshake', () => {
    expect(choose(undefined)).toEqual({ kind: 'no-handshake' });
    expect(choose({ epoch: 0, completeAt: AT })).toEqual({ kind: 'no-handshake' });
  });
  it('is complete at a time', () => {
    expect(choose({ epoch: 1, completeAt: AT, completeRecords: 5 })).toEqual({
      kind: 'complete',
      at: AT,
      records: 5,
    });
    expect(choose({ epoch: 1, completeAt: AT })).toMatchObject({ records: 0 });
    expect(choose({ epoch: 1 })).toEqual({ kind: 'not-compared' });
  });
  it('differs, although it was complete before', () => {
    expect(choose({ epoch: 1, completeAt: AT, differedAt: AT })).toEqual({ kind: 'differs', since: AT });
  });
  it('waits for the site before anything else', () => {
    expect(choose({ epoch: 1, completeAt: AT, differedAt: AT, waitsBecause: 'restored' })).toEqual({
      kind: 'waiting',
      reason: 'restored',
    });
  });
});

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
