/** Which parts of a site run in this process, and what they need of their settings. */
import { ConfigError } from '../kernel/config/config-error.ts';
import { createLog } from '../kernel/log.ts';
import { DamagedDatabase } from '../kernel/sql/sqlite.ts';
import type { RunningSite } from './compose/running-site.ts';
import { type SiteFiles, startWithWeb } from './compose/site.ts';
import { SITE_PARTS, type SiteConfig, type SitePart } from './config.ts';
import { startReadOnlySite } from './maintenance/read-only.ts';
import { startStandaloneBuffer } from './standalone/standalone-buffer.ts';
import { startStandaloneOrigin } from './standalone/standalone-origin.ts';

/** All of a site, or the parts of it that `parts` names. @throws ConfigError where they cannot find one another */
export function startSite(config: SiteConfig, files: SiteFiles): Promise<RunningSite> {
  const [part, ...others] = config.parts;
  if (config.parts.includes('web')) return startWeb(config, files);
  if (part === 'origin' && others.length === 0) return startStandaloneOrigin(config);
  if (part === 'buffer' && others.length === 0) return startStandaloneBuffer(config);
  throw new ConfigError('Origin and buffer run together with web, or each apart.');
}

async function startWeb(config: SiteConfig, files: SiteFiles): Promise<RunningSite> {
  const has = (part: SitePart): boolean => config.parts.includes(part);
  if (config.parts.length < SITE_PARTS.length && !config.database) {
    throw new ConfigError('Parts that run apart need a PostgreSQL "database".');
  }
  if (!has('buffer') && !config.bufferUrl) throw new ConfigError('Without a buffer, web needs bufferUrl.');
  if (has('buffer') && !has('origin') && !config.originUrl) {
    throw new ConfigError('Without an origin, the buffer needs originUrl.');
  }
  const log = createLog('site', config.logLevel);
  try {
    return await startWithWeb(config, files, log);
  } catch (error) {
    // What was published is served all the same, and what is wrong is said.
    if (!(error instanceof DamagedDatabase)) throw error;
    return startReadOnlySite(config, error.message, log);
  }
}
