import { readConfig } from '../../src/kernel/config/config.ts';
import { siteConfigSchema } from '../../src/site/config.ts';
import { startSite } from '../../src/site/start.ts';
import type { Command } from './command.ts';

export const run: Command = given =>
  startSite(readConfig(given.config, 'site', siteConfigSchema).config, given);
