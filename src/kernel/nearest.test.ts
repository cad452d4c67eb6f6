import { expect, it } from 'vitest';
import { findNearest } from './nearest.ts';

const names = ['site', 'central', 'tracker', 'bufferDisk', 'bufferMemory', 'uplink', 'uplinkDaily'];

it.each([
  ['stie', 'site'],
  ['sit', 'site'],
  ['SITE', 'site'],
  ['centre', 'central'],
  ['trakcer', 'tracker'],
  ['bufferdisc', 'bufferDisk'],
  ['buffer_disk', 'bufferDisk'],
  ['uplinkdaily', 'uplinkDaily'],
  ['colour', undefined],
  ['x', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
])('nearest to %.20s is %s', (text, expected) => expect(findNearest(text, names)).toBe(expected));
