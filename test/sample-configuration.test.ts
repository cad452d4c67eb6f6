/** The sample configuration is valid once its placeholders are replaced, names every setting, and states the real defaults. */
import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { centralConfigSchema } from '../src/central/config.ts';
import { parseConfig } from '../src/kernel/config/config.ts';
import { siteConfigSchema } from '../src/site/config.ts';
import { trackerConfigSchema } from '../src/tracker/config.ts';

const original = readFileSync('tributary.sample.toml', 'utf8');
const enableAll = (text: string): string => text.replace(/^# (\w+ = )/gm, '$1');
/** The sample after a person has put real values in the place of the placeholders. */
const sample = original.replace(/replace-me[\w-]*|paste-[\w-]*/g, '4f7c0e9ab31d52867f2c');
/** The same with every commented setting enabled. */
const uncommented = enableAll(sample);
/** Settings whose commented value is an example: they are empty or absent by default. */
const EXAMPLES = [
  'oidc',
  'fields',
  'auditDays',
  'database',
  'sourceAddress',
  'disks',
  'hosts',
  's3',
  'captionCommand',
  'captionFiles',
  'workDirectory',
  'originUrl',
  'bufferUrl',
  'webUrl',
  'trustedProxies',
  'zonesFile',
  'cityDatabase',
  'asnDatabase',
  'trustedNetworks',
  'tlsCertificate',
  'tlsKey',
  'uplink',
  'uplinkViewers',
  'uplinkFills',
  'uplinkDaily',
  'chunkSize',
  'uploadOrigins',
  'fillWindows',
];
/** Settings for demonstrations only. */
const UNLISTED = ['demoViewers', 'demoPeople'];

const sections: readonly (readonly [string, z.ZodObject])[] = [
  ['central', centralConfigSchema],
  ['tracker', trackerConfigSchema],
  ['site', siteConfigSchema],
];

function catchError(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}

describe.each(sections)('[%s]', (section, schema) => {
  it('is valid', () => {
    expect(() => parseConfig(sample, 'tributary.sample.toml', section, schema)).not.toThrow();
  });

  it('is refused with a placeholder, each by its name', () => {
    const placeholders = Object.keys(parse(enableAll(original))[section] as object).filter(name =>
      new RegExp(`^(?:# )?${name} = .*(?:replace-me|paste-)`, 'm').test(original),
    );
    expect(placeholders).toContain('operatorToken');
    for (const text of [original, enableAll(original)]) {
      const used = placeholders.filter(name => name in (parse(text)[section] as object));
      const { message } = catchError(() => parseConfig(text, 'tributary.sample.toml', section, schema));
      for (const name of used) expect(message).toMatch(new RegExp(`${section}\\.${name}\\b.*placeholder`));
    }
  });

  it('names every setting', () => {
    const named = Object.keys(parse(uncommented)[section] as object);
    expect(named.sort()).toEqual(
      Object.keys(schema.shape)
        .filter(name => !UNLISTED.includes(name))
        .sort(),
    );
  });

  it('states the real defaults', () => {
    const without = (text: string) => {
      const config = parseConfig(text, 'tributary.sample.toml', section, schema) as Record<string, unknown>;
      return Object.fromEntries(Object.entries(config).filter(([name]) => !EXAMPLES.includes(name)));
    };
    expect(without(uncommented)).toEqual(without(sample));
  });
});
