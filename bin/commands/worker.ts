import { readConfig } from '../../src/kernel/config/config.ts';
import { startWorkerPart } from '../../src/site/compose/conversion.ts';
import { siteConfigSchema } from '../../src/site/config.ts';
import type { Command } from './command.ts';

export const run: Command = given =>
  startWorkerPart(readConfig(given.config, 'site', siteConfigSchema).config, given);
