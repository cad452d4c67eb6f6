import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { centralConfigSchema } from '../../src/central/config.ts';
import { runDoctor } from '../../src/doctor/doctor.ts';
import { listSections, readConfig } from '../../src/kernel/config/config.ts';
import { siteConfigSchema } from '../../src/site/config.ts';
import { findConfinement } from '../../src/site/media/ffmpeg/ffmpeg.ts';
import { trackerConfigSchema } from '../../src/tracker/config.ts';
import type { Command } from './command.ts';

/** Looks at the parts that the file has a section for; without a file, at the machine alone. */
export const run: Command = async ({ config: path, isConfigNamed }) => {
  const sections = isConfigNamed || existsSync(path) ? listSections(path) : [];
  const parts = [
    {
      part: 'central' as const,
      read: () => {
        const { config } = readConfig(path, 'central', centralConfigSchema);
        return { ...config, databasePath: join(config.dataDirectory, 'central.sqlite') };
      },
    },
    {
      part: 'tracker' as const,
      read: () => readConfig(path, 'tracker', trackerConfigSchema).config,
    },
    {
      part: 'site' as const,
      read: () => {
        const { config } = readConfig(path, 'site', siteConfigSchema);
        return { ...config, databasePath: join(config.dataDirectory, 'site.sqlite') };
      },
    },
  ];
  const bad = await runDoctor({
    parts: parts.filter(({ part }) => sections.includes(part)),
    nodeVersion: process.versions.node,
    findRoom: findConfinement,
    print: line => console.log(line),
  });
  return bad === 0 ? 0 : 1;
};
