import { expect, it } from 'vitest';
import { isLocalHost } from './local-network.ts';

it.each([
  ['127.0.0.2', true],
  ['10.1.2.3', true],
  ['172.16.0.1', true],
  ['172.31.255.1', true],
  ['172.32.0.1', false],
  ['192.168.1.10', true],
  ['192.169.1.10', false],
  ['169.254.1.1', true],
  ['100.64.0.1', true],
  ['100.128.0.1', false],
  ['203.0.113.9', false],
  ['[::1]', true],
  ['[fd12:3456::1]', true],
  ['[fe80::1]', true],
  ['[2001:db8::1]', false],
  ['localhost', true],
  ['nas', true],
  ['video.local', true],
  ['site-3.internal', true],
  ['video.example', false],
  ['10.example.com', false],
])('%s is in a local network: %s', (host, expected) => {
  expect(isLocalHost(host)).toBe(expected);
});
