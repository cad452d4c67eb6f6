import { backUp } from '../../src/backup/backup.ts';
import { centralConfigSchema } from '../../src/central/config.ts';
import { listSections, readConfig } from '../../src/kernel/config/config.ts';
import { ConfigError } from '../../src/kernel/config/config-error.ts';
import { siteConfigSchema } from '../../src/site/config.ts';
import { trackerConfigSchema } from '../../src/tracker/config.ts';
import type { Command } from './command.ts';

export const run: Command = async ({ config: path, options: { to } }) => {
  if (to === undefined) throw new ConfigError('--to is required: tributary backup --to DIRECTORY');
  const read = {
    central: () => readConfig(path, 'central', centralConfigSchema).config,
    tracker: () => ({ ...readConfig(path, 'tracker', trackerConfigSchema).config, database: undefined }),
    site: () => readConfig(path, 'site', siteConfigSchema).config,
  };
  const sections = listSections(path);
  const parts = (['central', 'tracker', 'site'] as const)
    .filter(part => sections.includes(part))
    .map(part => {
      const { dataDirectory, database } = read[part]();
      return { part, dataDirectory, database };
    });
  await backUp(parts, to, line => console.log(line));
  return 0;
};
