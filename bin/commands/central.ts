import { startCentral } from '../../src/central/central.ts';
import { centralConfigSchema } from '../../src/central/config.ts';
import { readConfig } from '../../src/kernel/config/config.ts';
import type { Command } from './command.ts';

export const run: Command = given =>
  startCentral(readConfig(given.config, 'central', centralConfigSchema).config, {
    ...given,
    print: text => void process.stdout.write(text),
  });
