import { describe, expect, it } from 'vitest';
import type { Site } from '../../../protocol/central.ts';
import { TEXTS } from '../../i18n/texts.ts';
import { formatSiteEdit, parseSiteEdit } from './site-edit.ts';

const { admin } = TEXTS.en;
const { edit: texts } = admin;
const defaults = formatSiteEdit({
  name: 'Hangzhou',
  baseUrl: 'https://h.example',
  policy: {},
  zone: ['10.1.0.0/16'],
} as unknown as Site);

describe('the settings of a site', () => {
  it('have defaults', () => {
    expect(defaults).toMatchObject({ weight: '1', failoverOrder: '0', egressLimit: '', drained: false });
    expect(parseSiteEdit(defaults, admin)).toEqual({
      name: 'Hangzhou',
      baseUrl: 'https://h.example',
      coordinates: null,
      policy: { weight: 1, failoverOrder: 0, egressLimitBps: null, drained: false },
      zone: ['10.1.0.0/16'],
    });
  });
  it('are the same after they are formatted and parsed', () => {
    const changed = {
      ...defaults,
      name: '杭州',
      baseUrl: 'https://new.example',
      latitude: '30.25',
      longitude: '-120.5',
      weight: '0.5',
      failoverOrder: '-3',
      egressLimit: '2.5',
      zone: '2001:db8::/32',
      drained: true,
    };
    const edit = parseSiteEdit({ ...changed, databaseUrl: ' postgres://a:b@c/d ' }, admin);
    expect(edit).toEqual({
      name: '杭州',
      baseUrl: 'https://new.example',
      coordinates: { latitude: 30.25, longitude: -120.5 },
      policy: { weight: 0.5, failoverOrder: -3, egressLimitBps: 2_500_000, drained: true },
      zone: ['2001:db8::/32'],
      databaseUrl: 'postgres://a:b@c/d',
    });
    expect(formatSiteEdit(edit as unknown as Site)).toMatchObject(changed);
  });
  it('remove the database address, which wins over a typed one', () => {
    expect(parseSiteEdit({ ...defaults, useGateway: true }, admin).databaseUrl).toBeNull();
    const both = { ...defaults, useGateway: true, databaseUrl: 'postgres://a' };
    expect(parseSiteEdit(both, admin).databaseUrl).toBeNull();
  });
  it.each([
    [{ weight: '-1' }, texts.badWeight],
    [{ weight: '100.1' }, texts.badWeight],
    [{ weight: '' }, texts.badWeight],
    [{ weight: 'many' }, texts.badWeight],
    [{ failoverOrder: '1.5' }, texts.badOrder],
    [{ failoverOrder: '1001' }, texts.badOrder],
    [{ failoverOrder: ' ' }, texts.badOrder],
    [{ egressLimit: '0' }, texts.badLimit],
    [{ egressLimit: 'x' }, texts.badLimit],
    [{ databaseUrl: 'mysql://x' }, texts.badDatabase],
    [{ databaseUrl: 'postgres://' }, texts.badDatabase],
    [{ latitude: '1' }, admin.bothCoordinates],
    [{ zone: 'x' }, admin.badPrefix('x')],
  ])('refuse %j', (change, message) => {
    expect(() => parseSiteEdit({ ...defaults, ...change }, admin)).toThrow(message);
  });
});
