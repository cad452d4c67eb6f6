import { expect, it } from 'vitest';
import { classifyTouch, type Touch } from './gesture.ts';

const touch = (fromX: number, toX: number, dy = 0, atMs = 1_000): Touch => ({
  ...{ fromX, toX, fromY: 100, toY: 100 + dy, width: 300, atMs },
});

it.each([
  ['a tap', touch(150, 152), undefined, { kind: 'tap' }],
  ['two taps on the left', touch(40, 40), { x: 45, atMs: 800 }, { kind: 'double-tap', side: 'left' }],
  ['two taps on the right', touch(280, 280), { x: 270, atMs: 800 }, { kind: 'double-tap', side: 'right' }],
  ['two taps in the middle', touch(150, 150), { x: 150, atMs: 800 }, { kind: 'double-tap', side: 'middle' }],
  ['two slow taps', touch(40, 40), { x: 40, atMs: 500 }, { kind: 'tap' }],
  ['two taps on different sides', touch(280, 280), { x: 40, atMs: 900 }, { kind: 'tap' }],
  ['a swipe to the right', touch(100, 200), undefined, { kind: 'swipe', seconds: 30 }],
  ['a swipe to the left', touch(200, 100, 20), undefined, { kind: 'swipe', seconds: -30 }],
  ['a movement down', touch(100, 110, 80), undefined, { kind: 'pull-down' }],
  ['a movement up', touch(100, 110, -80), undefined, { kind: 'tap' }],
] as const)('%s', (_name, given, before, expected) => {
  expect(classifyTouch(given, before)).toEqual(expected);
});
