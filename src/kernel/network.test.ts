import { describe, expect, it } from 'vitest';
import { clientAddress, contains, parseAddress, parsePrefix } from './network.ts';

const lies = (prefix: string, address: string): boolean | undefined => {
  const network = parsePrefix(prefix);
  const host = parseAddress(address);
  return network && host && contains(network, host);
};

describe('prefixes', () => {
  it.each([
    ['10.1.0.0/16', '10.1.255.255', true],
    ['10.1.0.0/16', '10.2.0.0', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['203.0.113.9/32', '203.0.113.9', true],
    ['203.0.113.9/32', '203.0.113.8', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '10.0.0.1', false],
    ['10.0.0.0/8', '::ffff:10.9.8.7', true],
    ['::ffff:10.0.0.0/104', '10.9.8.7', true],
    ['::ffff:10.0.0.0/104', '11.9.8.7', false],
    ['::ffff:0:0/96', '11.9.8.7', true],
  ])('%s contains %s: %s', (prefix, address, expected) => {
    expect(lies(prefix, address)).toBe(expected);
  });

  it.each([
    '10.0.0.0/33',
    '10.0.0.0',
    '10.0.0/8',
    '2001:db8::/129',
    'x/8',
    '10.0.0.0/-1',
    '10.0.0.0/1e1',
    '10.0.0.0/8/16',
    '10.0.0.0%eth0/8',
    '::ffff:10.0.0.0/95',
  ])('%s is none', text => expect(parsePrefix(text)).toBeUndefined());
});

describe('parseAddress', () => {
  it('parses every notation of an IPv6 address to the same value', () => {
    const value = parseAddress('2001:db8::1:0:0:1')?.value;
    expect(parseAddress('2001:0db8:0000:0000:0001:0000:0000:0001')?.value).toBe(value);
    expect(parseAddress('[2001:db8:0:0:1::1]')?.value).toBe(value);
    expect(parseAddress('::1')?.value).toBe(1n);
    expect(parseAddress('::')?.value).toBe(0n);
    expect(parseAddress('64:ff9b::192.0.2.33')?.value).toBe(parseAddress('64:ff9b::c000:221')?.value);
    expect(parseAddress('fe80::1%eth0')?.value).toBe(parseAddress('fe80::1')?.value);
  });
  it.each(['', 'localhost', '1.2.3', '1.2.3.4.5', ':::', '1.2.3.4%eth0', '[1.2.3.4]', '[::1', '::1]'])(
    'refuses %j',
    text => {
      expect(parseAddress(text)).toBeUndefined();
    },
  );
});

describe('clientAddress', () => {
  const proxies = ['10.0.0.0/24', '::1/128'].flatMap(text => parsePrefix(text) ?? []);
  it.each([
    ['198.51.100.7', '203.0.113.1', '198.51.100.7'],
    ['10.0.0.5', '203.0.113.1', '203.0.113.1'],
    ['10.0.0.5', 'spoofed, 203.0.113.1', '203.0.113.1'],
    ['10.0.0.5', '203.0.113.1, 10.0.0.9', '203.0.113.1'],
    ['10.0.0.5', undefined, '10.0.0.5'],
    ['10.0.0.5', 'not an address', '10.0.0.5'],
    ['::1', '2001:db8::9', '2001:db8::9'],
  ])('socket %s with X-Forwarded-For %s is %s', (socket, header, expected) => {
    expect(clientAddress(socket, header, proxies)).toBe(expected);
  });
});
