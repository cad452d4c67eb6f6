import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Double, makeMmdb } from '../../../test/support/mmdb.ts';
import { silentLog } from '../../kernel/log.ts';
import { newSiteId } from '../../protocol/base/ids.ts';
import type { RegisteredSite } from '../registry/registry.ts';
import { openGeo } from './geo.ts';
import { prefixOf, reporterIdOf, widerNetworkOf } from './network-prefix.ts';
import { createViewers, NO_ZONES } from './viewers.ts';
import { parseZones, watchZoneFile } from './zone-file.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tributary-viewers-'));
  closers.push(() => rm(path, { recursive: true }));
  return path;
}

const [hangzhou, beijing] = [newSiteId(), newSiteId()];
const site = (
  id: typeof hangzhou,
  name: string,
  zone: readonly string[],
  latitude: number,
): RegisteredSite => ({
  kind: 'site',
  position: 1,
  site: id,
  name,
  baseUrl: 'http://s',
  coordinates: { latitude, longitude: 116 },
  zone: [...zone],
  active: true,
});
const sites = [
  site(hangzhou, 'Hangzhou campus', ['10.1.0.0/16', '2001:db8:1::/48'], 30),
  site(beijing, 'Beijing', ['10.0.0.0/8'], 40),
];
const registry = { sites, sitesVersion: 1, findSite: (id: string) => sites.find(each => each.site === id) };

test.each([
  ['10.1.2.3', '10.1.2.0/24', '10.1.0.0/16'],
  ['::ffff:10.1.2.3', '10.1.2.0/24', '10.1.0.0/16'],
  ['2001:db8:1:2:3::9', '2001:db8:1::/48', '2001:db8::/32'],
  ['2001:DB8::1', '2001:db8:0::/48', '2001:db8::/32'],
  ['fe80::1%eth0', 'fe80:0:0::/48', 'fe80:0::/32'],
  ['::1', '0:0:0::/48', '0:0::/32'],
])('%s has the prefix %s in the wider network %s', (address, prefix, widerNetwork) => {
  expect(prefixOf(address)).toBe(prefix);
  expect(widerNetworkOf(prefix)).toBe(widerNetwork);
});

test('a reporter is a host in IPv4 and a /64 network in IPv6, and depends on the key', () => {
  expect(reporterIdOf('10.1.2.3', 'k')).not.toBe(reporterIdOf('10.1.2.4', 'k'));
  expect(reporterIdOf('2001:db8:1:2::3', 'k')).toBe(reporterIdOf('2001:db8:1:2:ffff::4', 'k'));
  expect(reporterIdOf('2001:db8:1:2::3', 'k')).not.toBe(reporterIdOf('2001:db8:1:3::3', 'k'));
  expect(reporterIdOf('10.1.2.3', 'k')).not.toBe(reporterIdOf('10.1.2.3', 'other'));
  expect(prefixOf('rubbish')).toBeUndefined();
});

test('the longest prefix wins across sites, also for IPv6', () => {
  const viewers = createViewers(registry, () => NO_ZONES, undefined);
  expect(viewers.at('10.1.2.3')).toMatchObject({
    zone: { site: hangzhou },
    network: { widerNetwork: '10.1.0.0/16' },
  });
  expect(viewers.at('10.9.2.3').zone?.site).toBe(beijing);
  expect(viewers.at('2001:db8:1::7').zone?.site).toBe(hangzhou);
  expect(viewers.at('192.0.2.1').zone).toBeUndefined();
});

describe('the zone file', () => {
  test('names sites by name or id; an error names its line', () => {
    expect(
      parseZones(`# ours\n10.2.0.0/16 Hangzhou campus # the new wing\n\n2001:db8::/32 ${beijing}\n`),
    ).toEqual([
      { prefix: '10.2.0.0/16', site: 'Hangzhou campus' },
      { prefix: '2001:db8::/32', site: beijing },
    ]);
    expect(() => parseZones('10.2.0.0/16 A\nrubbish B')).toThrow('line 2: "rubbish" is not a network prefix');
    expect(() => parseZones('10.2.0.0/16')).toThrow('line 1: no site follows');
  });

  test('is read again when it changes; an invalid file changes nothing', async () => {
    const path = join(await directory(), 'zones.txt');
    await writeFile(path, '10.9.0.0/16 Hangzhou campus\n');
    const file = watchZoneFile(path, silentLog);
    closers.push(() => file.stop());
    const viewers = createViewers(registry, file.zones, undefined);
    const zoneOf = async (address: string, expected: string) => {
      for (let n = 0; n < 120 && viewers.at(address).zone?.site !== expected; n++)
        await new Promise(resolve => setTimeout(resolve, 50));
      expect(viewers.at(address).zone?.site).toBe(expected);
    };
    await zoneOf('10.9.1.1', hangzhou);
    await writeFile(path, 'rubbish\n');
    await new Promise(resolve => setTimeout(resolve, 2_500));
    expect(viewers.at('10.9.1.1').zone?.site).toBe(hangzhou);
    await writeFile(path, `10.1.0.0/16 ${beijing}\n`);
    // The file overrides central for the same prefix.
    await zoneOf('10.1.1.1', beijing);
  });
});

test('MaxMind DB files locate addresses outside every zone', async () => {
  const folder = await directory();
  const paths = { city: join(folder, 'city.mmdb'), asn: join(folder, 'asn.mmdb') };
  await writeFile(
    paths.city,
    makeMmdb({
      '203.0.113.0/24': { location: { latitude: new Double(31.5), longitude: new Double(120.25) } },
      '192.0.2.0/24': { location: { accuracy_radius: 1000 } },
    }),
  );
  await writeFile(paths.asn, makeMmdb({ '203.0.112.0/22': { autonomous_system_number: 4134 } }));
  const files = await openGeo(paths, silentLog);
  closers.push(() => files.stop());
  const viewers = createViewers(registry, () => NO_ZONES, files.geo);
  expect(viewers.at('203.0.113.9')).toMatchObject({
    coordinates: { latitude: 31.5, longitude: 120.25 },
    asn: 4134,
    network: { prefix: '203.0.113.0/24', widerNetwork: 'AS4134' },
  });
  const { network: _, reporterId: __, ...location } = viewers.at('198.51.100.1');
  expect(location).toEqual({});
  const { network: ___, reporterId: ____, ...vague } = viewers.at('192.0.2.1');
  expect(vague).toEqual({});
  expect(viewers.at('2001:db8:9::1').coordinates).toBeUndefined();
  // The zone determines the location.
  expect(viewers.at('10.1.2.3').coordinates).toEqual({ latitude: 30, longitude: 116 });
  const none = await openGeo({ city: join(folder, 'none.mmdb') }, silentLog);
  closers.push(() => none.stop());
  expect(none.geo.find('203.0.113.9')).toEqual({ asn: undefined, coordinates: undefined });
});
