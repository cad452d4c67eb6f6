import { describe, expect, it } from 'vitest';
import { createFormat, formatClock } from './format.ts';

/** Intl separates numbers and units with several kinds of spaces. */
const plain = (text: string): string => text.replace(/[\u00a0\u202f]/g, ' ');
const en = createFormat('en');
const zh = createFormat('zh');

describe('formats', () => {
  it.each([
    [0, '0:00'],
    [-5, '0:00'],
    [20_000, '0:20'],
    [65_000, '1:05'],
    [59_600, '1:00'],
    [3_599_600, '1:00:00'],
    [3_723_000, '1:02:03'],
    [36_000_000, '10:00:00'],
  ])('%i ms on a clock', (ms, text) => expect(formatClock(ms)).toBe(text));
  it.each([
    [0, '0 B'],
    [512, '512 B'],
    [999.4, '999 B'],
    [999.6, '1 kB'],
    [1_500, '1.5 kB'],
    [999_600, '1 MB'],
    [1_340_000_000, '1.3 GB'],
    [125_000_000, '125 MB'],
    [5e15, '5,000 TB'],
  ])('%i bytes', (bytes, text) => expect(plain(en.size(bytes))).toBe(text));
  it.each([
    [-5, '0 s', '0 秒'],
    [400, '0 s', '0 秒'],
    [20_000, '20 s', '20 秒'],
    [59_400, '59 s', '59 秒'],
    [59_600, '1 min', '1 分钟'],
    [353_000, '6 min', '6 分钟'],
    [4_500_000, '75 min', '75 分钟'],
    [7_000_000, '2 h', '2 小时'],
    [40 * 3_600_000, '40 h', '40 小时'],
    [72 * 3_600_000, '3 d', '3 天'],
  ])('a duration of %i ms', (ms, english, chinese) => {
    expect([en, zh].map(format => plain(format.duration(ms)))).toEqual([english, chinese]);
  });
  it.each([
    [6_800_000, '6.8 Mb/s'],
    [800_000, '800 kb/s'],
    [82_700_000, '82.7 Mb/s'],
    [1_250_000_000, '1.3 Gb/s'],
  ])('%i bits per second', (bps, text) => expect(plain(en.bitrate(bps))).toBe(text));
  it('a share, with a decimal if it is small', () => {
    expect([0.004, 0.3, 1.2].map(share => plain(en.percent(share)))).toEqual(['0.4%', '30%', '120%']);
  });
  it('how long ago', () => {
    const now = Date.parse('2026-01-01T12:00:00.000Z');
    expect(en.ago('2026-01-01T11:57:00.000Z', now)).toBe('3 minutes ago');
    expect(en.ago('2025-12-31T12:00:00.000Z', now)).toBe('yesterday');
    expect(zh.ago('2026-01-01T11:57:00.000Z', now)).toBe('3分钟前');
    expect(en.ago('2025-12-22T12:00:00.000Z', now)).toBe('10 days ago');
    expect(en.ago('2025-12-10T12:00:00.000Z', now)).toBe('3 weeks ago');
    expect(en.ago('2025-09-20T12:00:00.000Z', now)).toBe('3 months ago');
    expect(en.ago('2021-11-20T12:00:00.000Z', now)).toBe('4 years ago');
    expect(zh.ago('2025-09-20T12:00:00.000Z', now)).toBe('3个月前');
  });
  it('only the time of the last day, and the date of an earlier one', () => {
    const timestamp = '2026-01-01T12:00:00.000Z';
    const time = en.time(Date.parse(timestamp));
    expect(en.timeOrDate(timestamp, Date.parse(timestamp) + 86_399_999)).toBe(time);
    expect(en.timeOrDate(timestamp, Date.parse(timestamp) + 86_400_000)).toBe(en.dateTime(timestamp));
    expect(en.dateTime(timestamp)).toContain(time);
  });
  it('sentences, without a space between them in Chinese', () => {
    expect(en.sentences(['One.', 'Two.'])).toBe('One. Two.');
    expect(zh.sentences(['一。', '二。'])).toBe('一。二。');
  });
});
