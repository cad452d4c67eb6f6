import { isIP } from 'node:net';
import { expect, it } from 'vitest';
import { findOwnIp, findSourceAddress } from './own-address.ts';

it.each([
  ['http://10.1.2.3:8090', '10.1.2.3:8090'],
  ['https://10.1.2.3', '10.1.2.3:443'],
  ['http://[2001:db8::7]', '[2001:db8::7]:80'],
])('the source address of %s is %s', async (url, expected) => {
  expect(await findSourceAddress(url)).toBe(expected);
});

it.each(['https://localhost', 'https://no-such-name.invalid'])(
  'the source address of %s is an address of this machine',
  async url => {
    const ip = findOwnIp();
    expect(isIP(ip)).not.toBe(0);
    expect(await findSourceAddress(url)).toBe(`${isIP(ip) === 6 ? `[${ip}]` : ip}:443`);
  },
);
