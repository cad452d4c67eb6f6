import { centralConfigSchema } from '../../src/central/config.ts';
import { listSections, readConfig } from '../../src/kernel/config/config.ts';
import { ConfigError } from '../../src/kernel/config/config-error.ts';
import { VERSION } from '../../src/kernel/version.ts';
import { siteConfigSchema } from '../../src/site/config.ts';
import { findStatus, formatStatus } from '../../src/status/status.ts';
import { trackerConfigSchema } from '../../src/tracker/config.ts';
import type { Command } from './command.ts';

export const run: Command = async ({ config: path, flags }) => {
  const parts = [
    { part: 'central' as const, read: () => readConfig(path, 'central', centralConfigSchema).config },
    { part: 'tracker' as const, read: () => readConfig(path, 'tracker', trackerConfigSchema).config },
    { part: 'site' as const, read: () => readConfig(path, 'site', siteConfigSchema).config },
  ];
  const sections = listSections(path);
  const configured = parts.filter(({ part }) => sections.includes(part));
  if (configured.length === 0) {
    throw new ConfigError(`${path} has no section [central], [tracker] or [site].`);
  }
  const report = await findStatus(configured, VERSION);
  if (flags.has('json')) console.log(JSON.stringify(report, null, 2));
  else for (const line of formatStatus(report)) console.log(line);
  return report.parts.every(({ state }) => state === 'ready') ? 0 : 1;
};
