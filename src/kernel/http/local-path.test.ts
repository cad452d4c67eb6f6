import { expect, it } from 'vitest';
import { parseLocalPath } from './local-path.ts';

it.each([
  ['/', '/'],
  ['/watch/1?t=5#chapter', '/watch/1?t=5#chapter'],
  ['/a/../b', '/b'],
  ['/sign-in/site?site=1&return=%2F', '/sign-in/site?site=1&return=%2F'],
])('accepts %s', (text, path) => expect(parseLocalPath(text)).toBe(path));

it.each([
  ...['https://evil.example/', '//evil.example/', '/\\evil.example', '\\\\evil.example', '/\t/evil.example'],
  ...['/\n/evil.example', '/.//evil.example', '/a/..//evil.example', '/%2e//evil.example', 'watch', ''],
  ...['javascript:alert(1)', ' //evil.example', `/${'a'.repeat(2_001)}`, undefined],
])('refuses %j', text => expect(parseLocalPath(text)).toBeUndefined());
