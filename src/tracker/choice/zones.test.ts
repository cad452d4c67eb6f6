import { describe, expect, test } from 'vitest';
import type { SiteId } from '../../protocol/base/ids.ts';
import { findZone, makeZoneTable } from './zones.ts';

const a = '00000000-0000-7000-8000-00000000000a' as SiteId;
const b = '00000000-0000-7000-8000-00000000000b' as SiteId;
const c = '00000000-0000-7000-8000-00000000000c' as SiteId;

const table = makeZoneTable([
  { site: a, zone: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7/32'] },
  { site: b, zone: ['10.1.0.0/16', '2001:db8:1::/48', 'rubbish', '10.0.0.0/33', ''] },
  { site: c, zone: ['10.1.2.0/24', '10.1.0.0/16'] },
]);
const find = (client: string) => findZone(table, client);

describe('the longest prefix wins', () => {
  test.each([
    ['10.200.0.1', a, '10.0.0.0/8'],
    ['10.1.200.1', b, '10.1.0.0/16'],
    ['10.1.2.3', c, '10.1.2.0/24'],
    ['10.1.2.255', c, '10.1.2.0/24'],
    ['10.1.3.0', b, '10.1.0.0/16'],
    ['192.0.2.7', a, '192.0.2.7/32'],
    ['::ffff:10.1.2.3', c, '10.1.2.0/24'],
    ['[2001:db8::1]', a, '2001:db8::/32'],
    ['2001:db8:1:ffff::1', b, '2001:db8:1::/48'],
  ])('%s', (address, site, prefix) => {
    expect(find(address)).toEqual({ site, prefix });
  });

  test.each([
    '192.0.2.8',
    '11.0.0.0',
    '9.255.255.255',
    '2001:db9::',
    '::',
    '0.0.0.0',
    '',
    'localhost',
    '10.1.2',
    '10.1.2.3, 10.0.0.1',
  ])('%s is in no zone', address => {
    expect(find(address)).toBeUndefined();
  });
});

test('the first of two sites that claim a prefix keeps it', () => {
  const claim = (site: SiteId) => ({ site, zone: ['10.1.0.0/16'] });
  expect(findZone(makeZoneTable([claim(b), claim(a)]), '10.1.200.1')?.site).toBe(b);
});

test('/0 covers only one address family', () => {
  const everything = makeZoneTable([{ site: a, zone: ['0.0.0.0/0'] }]);
  expect(findZone(everything, '203.0.113.1')?.site).toBe(a);
  expect(findZone(everything, '2001:db8::1')).toBeUndefined();
});
