import { describe, expect, it } from 'vitest';
import type { Site } from '../../protocol/central.ts';
import { centralHealth, lagOf, siteHealth, syncState, videoHealth } from './health.ts';

const AT = '2026-01-01T12:00:00.000Z';
const STALE = '2026-01-01T13:00:00.000Z';
const site = (changes: Partial<Site>): Site => ({ state: 'up', lagMs: 0, ...changes }) as Site;
const publication = (changes: object = {}) =>
  ({ epoch: 1, completeAt: AT, completeRecords: 5, ...changes }) as NonNullable<Site['publication']>;

describe('a site', () => {
  it.each([
    [{}, undefined, { state: 'up' }],
    [{ state: 'down', stateSince: AT }, undefined, { state: 'down', since: AT }],
    [{ state: 'unknown', stateSince: AT }, undefined, { state: 'unknown', since: AT }],
    [{}, STALE, { state: 'unknown', since: STALE }],
    [{ state: 'down', stateSince: AT }, STALE, { state: 'unknown', since: STALE }],
    [{ state: 'unknown', stateSince: AT }, STALE, { state: 'unknown', since: AT }],
    [{ state: 'revoked', stateSince: AT }, STALE, { state: 'revoked' }],
    [{ state: 'invited' }, STALE, { state: 'invited' }],
  ] as const)('%o, stale since %s', (changes, stale, expected) => {
    expect(siteHealth(site(changes), stale)).toEqual(expected);
  });

  it('has a lag of none only while it can be asked', () => {
    expect(lagOf(site({}), undefined)).toBe(0);
    expect(lagOf(site({ state: 'down' }), undefined)).toBeUndefined();
    expect(lagOf(site({ state: 'unknown' }), undefined)).toBeUndefined();
    expect(lagOf(site({}), STALE)).toBeUndefined();
    expect(lagOf(site({ state: 'down', lagMs: 7 }), undefined)).toBe(7);
  });

  it('agrees with central only while it can be asked', () => {
    expect(syncState(site({ publication: publication() }), undefined)).toEqual({
      kind: 'complete',
      at: AT,
      records: 5,
    });
    for (const state of ['down', 'unknown'] as const) {
      const unreachable = site({ state, stateSince: STALE, publication: publication() });
      expect(syncState(unreachable, undefined)).toEqual({ kind: 'unknown', since: STALE, completeAt: AT });
    }
    expect(syncState(site({ publication: publication() }), STALE)).toMatchObject({ kind: 'unknown' });
  });

  it('has a first handshake, then waits, differs, or was not compared', () => {
    const choose = (found: object | undefined) =>
      syncState(site(found ? { publication: found as never } : {}), undefined);
    expect(choose(undefined)).toEqual({ kind: 'no-handshake' });
    expect(choose({ epoch: 0, completeAt: AT })).toEqual({ kind: 'no-handshake' });
    expect(choose({ epoch: 1 })).toEqual({ kind: 'not-compared' });
    expect(choose({ epoch: 1, completeAt: AT })).toMatchObject({ records: 0 });
    expect(choose(publication({ differedAt: AT }))).toEqual({ kind: 'differs', since: AT });
    expect(choose(publication({ differedAt: AT, waitsBecause: 'restored' }))).toEqual({
      kind: 'waiting',
      reason: 'restored',
    });
  });
});

describe('a video', () => {
  const registered = { state: 'registered' } as const;
  it.each([
    [{ ...registered, holders: { state: 'up' } }, undefined, { state: 'ready' }],
    [{ ...registered, holders: { state: 'down', since: AT } }, undefined, { state: 'down', since: AT }],
    [{ ...registered, holders: { state: 'unknown', since: AT } }, undefined, { state: 'unknown', since: AT }],
    [{ ...registered, holders: { state: 'up' } }, STALE, { state: 'unknown', since: STALE }],
    [{ state: 'published', holders: { state: 'up' } }, undefined, { state: 'registering' }],
    [{ state: 'withdrawn' }, STALE, { state: 'withdrawn' }],
    // An older central does not say.
    [registered, undefined, { state: 'ready' }],
  ] as const)('%o, stale since %s', (video, stale, expected) => {
    expect(videoHealth(video, stale)).toEqual(expected);
  });
});

it('central is connected only if it responded to the last request', () => {
  expect(centralHealth({ joined: false })).toEqual({ state: 'not-joined' });
  expect(centralHealth({ joined: true, central: { connected: true } })).toEqual({ state: 'connected' });
  expect(centralHealth({ joined: true, central: { connected: false, since: AT } })).toEqual({
    state: 'unreachable',
    since: AT,
  });
  expect(centralHealth({ joined: true, central: { connected: false } })).toEqual({
    state: 'unreachable',
    since: undefined,
  });
});
