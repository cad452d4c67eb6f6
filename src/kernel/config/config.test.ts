import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { parseConfig, parseDuration } from './config.ts';
import { ConfigError } from './config-error.ts';
import { durationSetting, listenSetting, sizeSetting } from './settings.ts';
import { formatSize, parseSize } from './size.ts';

const schema = z.strictObject({
  listen: listenSetting,
  interval: durationSetting.prefault('5 s'),
  size: sizeSetting.prefault('1 MB'),
});

describe('parseConfig', () => {
  it('fills in defaults and ignores other sections', () => {
    expect(parseConfig('[a]\nlisten = "[::]:80"\n[b]\nx = 1', 'f', 'a', schema)).toEqual({
      listen: { host: '::', port: 80 },
      interval: 5_000,
      size: 1_000_000,
    });
  });

  it('reports all errors together, each with the name of its setting', () => {
    const text = '[a]\nlisten = "nowhere"\ninterval = "soon"\nsize = 3\nsise = "1 MB"';
    const fault = (() => {
      try {
        return parseConfig(text, 'site.toml', 'a', schema);
      } catch (error) {
        return error;
      }
    })();
    expect(fault).toBeInstanceOf(ConfigError);
    const { message } = fault as ConfigError;
    expect(message).toContain('4 errors in site.toml');
    for (const line of [
      '`a.listen`: "nowhere" is not a valid listen address.',
      '`a.interval`: "soon" is not a valid duration.',
      '`a.size` must be text, not a number.',
      '`a` has an unknown setting: `sise` (did you mean `size`?).',
    ]) {
      expect(message).toContain(line);
    }
  });

  it.each(['0 s', '9 ms', '577 h', '10000 h'])('refuses to do something every %s', interval => {
    const text = `[a]\nlisten = "[::]:80"\ninterval = "${interval}"`;
    expect(() => parseConfig(text, 'f', 'a', schema)).toThrow(/`a\.interval`: .* is too (short|long)/);
  });

  it('reports the line of a TOML error, and a missing section', () => {
    expect(() => parseConfig('[a]\nlisten = ', 'f.toml', 'a', schema)).toThrow(
      /f\.toml, line 2 is not valid TOML/,
    );
    expect(() => parseConfig('', 'f.toml', 'a', schema)).toThrow(/no section \[a\]\. See tributary\.sample/);
    expect(() => parseConfig('[stie]', 'f.toml', 'site', schema)).toThrow(/Rename \[stie\] to \[site\]\?/);
    expect(() => parseConfig('[a]', 'f.toml', 'a', schema)).toThrow(/`a\.listen` is required\./);
    expect(() => parseConfig('a = 1', 'f.toml', 'a', schema)).toThrow(/`a` must be a table, not a number\./);
  });
});

describe('durations and sizes', () => {
  it.each([
    ['500 ms', 500],
    ['1.5 s', 1_500],
    ['2min', 120_000],
    ['1 h', 3_600_000],
    ['5', undefined],
    ['-1 s', undefined],
  ])('%s', (text, expected) => expect(parseDuration(text)).toBe(expected));
  it.each([
    ['1 KB', 1_000],
    ['1 kB', 1_000],
    ['0.5 GB', 500_000_000],
    ['10 GB', 10_000_000_000],
    ['1 KiB', 1_024],
    ['0.5 GiB', 2 ** 29],
    ['1 TiB', 2 ** 40],
    ['1', undefined],
    ['1 kb', undefined],
    ['1 kiB', undefined],
    ['1 toString', undefined],
  ])('%s', (text, expected) => expect(parseSize(text)).toBe(expected));
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1 kB'],
    [10_000_000_000, '10 GB'],
    [1_550_000, '1.6 MB'],
    [2 ** 40, '1.1 TB'],
    [1e21, '1000000 PB'],
  ])('%i bytes are %s', (bytes, expected) => expect(formatSize(bytes)).toBe(expected));
});
