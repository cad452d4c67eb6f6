import { readConfig } from '../../src/kernel/config/config.ts';
import { siteConfigSchema } from '../../src/site/config.ts';
import { startStandaloneWorker } from '../../src/site/standalone/standalone-worker.ts';
import type { Command } from './command.ts';

export const run: Command = given =>
  startStandaloneWorker(readConfig(given.config, 'site', siteConfigSchema).config, given);
