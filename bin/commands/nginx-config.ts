import { readConfig } from '../../src/kernel/config/config.ts';
import { siteConfigSchema } from '../../src/site/config.ts';
import { formatNginxConfig } from '../../src/site/standalone/nginx-config.ts';
import type { Command } from './command.ts';

export const run: Command = async given => {
  const { config } = readConfig(given.config, 'site', siteConfigSchema);
  process.stdout.write(formatNginxConfig(config, given.flags.has('instead') ? 'instead' : 'front'));
  return 0;
};
