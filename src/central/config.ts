/** The section `[central]` of the configuration. */
import * as z from 'zod';
import {
  baseUrlSetting,
  databaseSetting,
  durationSetting,
  listenSetting,
  logLevelSetting,
  tokenSetting,
} from '../kernel/config/settings.ts';

export const centralConfigSchema = z.strictObject({
  listen: listenSetting.prefault('0.0.0.0:8080'),
  /** How browsers and members reach central; where it is left out, the address that it listens on. */
  baseUrl: baseUrlSetting.optional(),
  dataDirectory: z.string().min(1).default('./data/central'),
  /** Centrals that share one share the work. */
  database: databaseSetting.optional(),
  operatorToken: tokenSetting,
  /** Every joined site is read this often even if its signals were lost. */
  sweepInterval: durationSetting.prefault('60 s'),
  logLevel: logLevelSetting.default('info'),
  /** The demo's pages offer these places to watch from. */
  demoViewers: z.array(z.strictObject({ name: z.string().min(1), address: z.string().min(1) })).default([]),
});
export type CentralConfig = z.output<typeof centralConfigSchema>;
