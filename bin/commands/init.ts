import type { z } from 'zod';
import { centralConfigSchema } from '../../src/central/config.ts';
import { initPart, type NewPart } from '../../src/init/init.ts';
import { parseConfig } from '../../src/kernel/config/config.ts';
import { ConfigError } from '../../src/kernel/config/config-error.ts';
import { findNearest } from '../../src/kernel/nearest.ts';
import { siteConfigSchema } from '../../src/site/config.ts';
import { trackerConfigSchema } from '../../src/tracker/config.ts';
import type { Command } from './command.ts';

const SCHEMAS: Readonly<Record<NewPart, z.ZodType>> = {
  central: centralConfigSchema,
  tracker: trackerConfigSchema,
  site: siteConfigSchema,
};
const isPart = (text: string | undefined): text is NewPart =>
  text !== undefined && Object.hasOwn(SCHEMAS, text);

export const run: Command = async ({ config: path, operands: [part], options, shownCommand }) => {
  if (!isPart(part)) {
    const nearest = part && findNearest(part, Object.keys(SCHEMAS));
    throw new ConfigError(
      nearest
        ? `There is no part "${part}". Did you mean \`tributary init ${nearest}\`?`
        : 'Say which part: tributary init central, tracker or site.',
    );
  }
  await initPart({
    part,
    path,
    options: {
      name: options.name,
      baseUrl: options['base-url'],
      listen: options.listen,
      dataDirectory: options['data-directory'],
      central: options.central,
      joinToken: options['join-token'],
    },
    command: shownCommand,
    check: (section, text) => void parseConfig(text, 'these options', section, SCHEMAS[section]),
    print: line => console.log(line),
  });
  return 0;
};
