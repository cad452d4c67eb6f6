import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { centralConfigSchema } from '../../src/central/config.ts';
import { findNamespaceRestriction } from '../../src/doctor/checks.ts';
import { runDoctor } from '../../src/doctor/doctor.ts';
import { listSections, readConfig } from '../../src/kernel/config/config.ts';
import { type SiteConfig, siteConfigSchema } from '../../src/site/config.ts';
import { findConfinement, findMediaTools } from '../../src/site/media/ffmpeg/ffmpeg.ts';
import { trackerConfigSchema } from '../../src/tracker/config.ts';
import type { Command } from './command.ts';

/** Checks the machine, and each part that has a section in the configuration file if there is one. */
export const run: Command = async ({ config: path, isConfigNamed, environment }) => {
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
        return {
          ...config,
          databasePath: join(config.dataDirectory, 'site.sqlite'),
          s3: config.s3 && { ...config.s3, test: testerOf(config.s3) },
        };
      },
    },
  ];
  const errors = await runDoctor({
    configPath: path,
    parts: parts.filter(({ part }) => sections.includes(part)),
    nodeVersion: process.versions.node,
    environment,
    findSandbox: async () => ({
      ...(await findConfinement()),
      isRestricted: await findNamespaceRestriction(),
    }),
    findFfprobe: async () => (await findMediaTools({ env: environment }))?.ffprobe,
    print: line => console.log(line),
  });
  return errors === 0 ? 0 : 1;
};

/** The S3 client is loaded only if it is needed: it is larger than all other code. */
const testerOf = (settings: NonNullable<SiteConfig['s3']>) => async (): Promise<void> =>
  (await import('../../src/site/media/storage/test-object-store.ts')).testObjectStore(settings);
