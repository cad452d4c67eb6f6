import { describe, expect, test } from 'vitest';
import { readPlayer } from './player.ts';

const CHROMIUM = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0';
const SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 Version/26.0 Safari';
const APPLE = 'AppleCoreMedia/1.0.0.23A341 (iPhone; U; CPU OS 26_0 like Mac OS X; en_us)';

describe('the player behind a request', () => {
  test.each([
    ['script', 'a script', { 'user-agent': CHROMIUM, 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' }],
    ['script', 'a script of the same origin', { 'user-agent': CHROMIUM, 'sec-fetch-mode': 'same-origin' }],
    ['script', 'a script on a page without HTTPS', { 'user-agent': CHROMIUM, origin: 'http://page.example' }],
    ['script', 'a script in an old browser', { 'user-agent': SAFARI, origin: 'https://page.example' }],
    [
      'opaque-element',
      'video',
      { 'user-agent': CHROMIUM, 'sec-fetch-dest': 'video', 'sec-fetch-mode': 'no-cors' },
    ],
    [
      'opaque-element',
      'audio',
      { 'user-agent': CHROMIUM, 'sec-fetch-dest': 'audio', 'sec-fetch-mode': 'no-cors' },
    ],
    ['opaque-element', 'video without HTTPS', { 'user-agent': CHROMIUM, range: 'bytes=0-' }],
    [
      'element',
      'crossorigin',
      { 'user-agent': CHROMIUM, 'sec-fetch-dest': 'video', 'sec-fetch-mode': 'cors' },
    ],
    [
      'element',
      'crossorigin without HTTPS',
      { 'user-agent': CHROMIUM, range: 'bytes=0-', origin: 'http://p' },
    ],
    ['app', 'media3', { 'user-agent': 'Player/1.0 (Linux;Android 16) AndroidXMedia3/1.11.0' }],
    ['app', 'ExoPlayer 2', { 'user-agent': 'Player/1.0 (Linux;Android 13) ExoPlayerLib/2.19.1' }],
    ['app', 'media3 without a name', { 'user-agent': 'Dalvik/2.1.0 (Linux; U; Android 16; Pixel 9)' }],
    ['app', 'AVPlayer', { 'user-agent': APPLE }],
    [
      'app',
      'AVPlayer in Safari',
      { 'user-agent': APPLE, 'sec-fetch-dest': 'video', 'sec-fetch-mode': 'no-cors' },
    ],
    ['app', 'AVPlayer with a range', { 'user-agent': APPLE, range: 'bytes=0-1', origin: 'https://p' }],
    ['app', 'mpv', { 'user-agent': 'libmpv', range: 'bytes=0-' }],
    ['app', 'no headers', {}],
  ] as const)('%s: %s', (player, _, headers) => {
    expect(readPlayer({ headers })).toBe(player);
  });
});
