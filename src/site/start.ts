/** Starts a site, or the part of one that this process runs. */
import { ConfigError } from '../kernel/config/config-error.ts';
import { createLog } from '../kernel/log.ts';
import { DamagedDatabase } from '../kernel/sql/sqlite.ts';
import { startReadOnlySite } from './compose/read-only-site.ts';
import type { RunningSite, SiteFiles } from './compose/running-site.ts';
import { startWithWeb } from './compose/site.ts';
import {
  completeSiteConfig,
  SITE_PARTS,
  type SiteConfig,
  type SitePart,
  type SiteSettings,
} from './config.ts';
import { startStandaloneBuffer } from './standalone/standalone-buffer.ts';
import { startStandaloneOrigin } from './standalone/standalone-origin.ts';

/** @throws ConfigError if a part cannot find the others with these settings. A failed start leaves nothing open. */
export async function startSite(settings: SiteSettings, files: SiteFiles): Promise<RunningSite> {
  const config = await completeSiteConfig(settings);
  const [part, ...others] = config.parts;
  if (config.parts.includes('web')) return startWeb(config, files);
  if (part === 'origin' && others.length === 0) return startStandaloneOrigin(config);
  if (part === 'buffer' && others.length === 0) return startStandaloneBuffer(config);
  throw new ConfigError('Run origin and buffer together with web, or each in its own process.');
}

async function startWeb(config: SiteConfig, files: SiteFiles): Promise<RunningSite> {
  const has = (part: SitePart): boolean => config.parts.includes(part);
  if (config.parts.length < SITE_PARTS.length && !config.database) {
    throw new ConfigError('Standalone parts need a PostgreSQL "database".');
  }
  if (!has('buffer') && !config.bufferUrl) throw new ConfigError('Without a buffer, web needs bufferUrl.');
  if (has('buffer') && !has('origin') && !config.originUrl) {
    throw new ConfigError('Without an origin, the buffer needs originUrl.');
  }
  const log = createLog('site', config.logLevel);
  try {
    return await startWithWeb(config, files, log);
  } catch (error) {
    if (!(error instanceof DamagedDatabase)) throw error;
    return startReadOnlySite(config, error.message, log);
  }
}
