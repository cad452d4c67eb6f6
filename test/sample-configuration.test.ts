/** The sample configuration is true: it is taken as it stands, names every setting, and tells the defaults that hold. */
import { readFileSync } from 'node:fs';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { centralConfigSchema } from '../src/central/config.ts';
import { parseConfig } from '../src/kernel/config/config.ts';
import { siteConfigSchema } from '../src/site/config.ts';
import { trackerConfigSchema } from '../src/tracker/config.ts';

const sample = readFileSync('tributary.sample.toml', 'utf8');
/** The same with every commented setting in force. */
const uncommented = sample.replace(/^# (\w+ = )/gm, '$1');
/** Settings whose commented value is an example: their default is to be empty, or not there. */
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
/** Settings of demonstrations alone. */
const UNLISTED = ['demoViewers'];

const sections: readonly (readonly [string, z.ZodObject])[] = [
  ['central', centralConfigSchema],
  ['tracker', trackerConfigSchema],
  ['site', siteConfigSchema],
];

describe.each(sections)('[%s]', (section, schema) => {
  it('is taken as it stands', () => {
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

  it('tells the defaults that hold', () => {
    const without = (text: string) => {
      const config = parseConfig(text, 'tributary.sample.toml', section, schema) as Record<string, unknown>;
      return Object.fromEntries(Object.entries(config).filter(([name]) => !EXAMPLES.includes(name)));
    };
    expect(without(uncommented)).toEqual(without(sample));
  });
});
