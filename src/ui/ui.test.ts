import { describe, expect, it } from 'vitest';
import { toError } from './api.ts';
import { formatBitrate, formatDuration, formatLag, formatSize } from './format.ts';
import { chooseLanguage, fill, texts } from './i18n.ts';
import { parseUploadError } from './upload-error.ts';

describe('texts', () => {
  it('have the same places to fill in both languages, and none is empty', () => {
    const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort();
    for (const key of Object.keys(texts.en) as (keyof typeof texts.en)[]) {
      expect([key, places(texts.zh[key])]).toEqual([key, places(texts.en[key])]);
      expect(texts.zh[key].length).toBeGreaterThan(0);
    }
  });
  it('are filled', () => {
    expect(fill('{a} to {b} {c}', { a: 1, b: 'two' })).toBe('1 to two {c}');
  });
  it.each([
    ['?lang=zh', 'en', 'en', 'zh'],
    ['', 'zh', 'en', 'zh'],
    ['', null, 'zh-CN', 'zh'],
    ['', null, 'fr', 'en'],
  ] as const)('language of %s, %s, %s', (search, stored, preferred, expected) => {
    expect(chooseLanguage(search, stored, preferred)).toBe(expected);
  });
});

describe('figures', () => {
  it.each([
    [512, '512 bytes'],
    [1_500, '1.5 kB'],
    [25_000_000, '25 MB'],
    [1_340_000_000, '1.3 GB'],
  ])('%i bytes', (bytes, text) => expect(formatSize(bytes).replace(/\s/g, ' ')).toBe(text));
  it.each([
    [9_000, '0:09'],
    [65_000, '1:05'],
    [3_723_000, '1:02:03'],
  ])('%i ms', (ms, text) => expect(formatDuration(ms)).toBe(text));
  it('bit rates and lags', () => {
    expect([formatBitrate(96_000), formatBitrate(2_500_000)]).toEqual(['96 kbit/s', '2.5 Mbit/s']);
    expect([0, 20, 5_000, 600_000].map(formatLag)).toEqual(['0', '20 ms', '5 s', '10 min']);
  });
});

describe('errors', () => {
  it('carry what the server said', () => {
    expect(toError(410, { code: 'video-withdrawn', detail: 'Gone.' })).toMatchObject({
      code: 'video-withdrawn',
      message: 'Gone.',
    });
    expect(toError(500, undefined)).toMatchObject({ code: 'unknown', status: 500 });
    expect(parseUploadError('{"detail":"The file is empty."}', 'x')).toBe('The file is empty.');
    expect(parseUploadError('plain', 'x')).toBe('plain');
    expect(parseUploadError(undefined, 'x')).toBe('x');
  });
});
