/** The sample configuration is valid, names every setting, and states the real defaults. */
import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { centralConfigSchema } from '../src/central/config.ts';
import { parseConfig } from '../src/kernel/config/config.ts';
import { siteConfigSchema } from '../src/site/config.ts';
import { trackerConfigSchema } from '../src/tracker/config.ts';

const sample = readFileSync('tributary.sample.toml', 'utf8');
/** The sample with every commented setting enabled. */
const uncommented = sample.replace(/^# (\w+ = )/gm, '$1');
/** Settings whose commented value is an example: they are empty or absent by default. */
const EXAMPLES = [
  'database',
  'disks',
  's3',
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
  'fillWindows',
];
/** Settings for demonstrations only. */
const UNLISTED = ['demoViewers'];

const sections: readonly (readonly [string, z.ZodObject])[] = [
  ['central', centralConfigSchema],
  ['tracker', trackerConfigSchema],
  ['site', siteConfigSchema],
];

describe.each(sections)('[%s]', (section, schema) => {
  it('is valid', () => {
    expect(() => parseConfig(sample, 'tributary.sample.toml', section, schema)).not.toThrow();
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
