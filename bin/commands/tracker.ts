import { readConfig } from '../../src/kernel/config/config.ts';
import { trackerConfigSchema } from '../../src/tracker/config.ts';
import { startTracker } from '../../src/tracker/tracker.ts';
import type { Command } from './command.ts';

export const run: Command = given =>
  startTracker(readConfig(given.config, 'tracker', trackerConfigSchema).config);
