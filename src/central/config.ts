/** The section `[central]` of the configuration. */
import * as z from 'zod';
import {
  baseUrlSetting,
  databaseSetting,
  durationSetting,
  hostsSetting,
  listenSetting,
  logLevelSetting,
  tokenSetting,
} from '../kernel/config/settings.ts';
import { connectionSettings } from '../kernel/http/connections/connection-limit.ts';

export const centralConfigSchema = z.strictObject({
  listen: listenSetting.prefault('0.0.0.0:8080'),
  /** The URL at which browsers and members reach central. The default is the address it listens on. */
  baseUrl: baseUrlSetting.optional(),
  /** Other names of this part in URLs, with the port: `video.internal:8090`. */
  hosts: hostsSetting.default([]),
  ...connectionSettings,
  dataDirectory: z.string().min(1).default('./data/central'),
  /** A PostgreSQL URL. Centrals that use the same database share the work. */
  database: databaseSetting.optional(),
  operatorToken: tokenSetting,
  /** Every joined site is read at this interval, even if its signals are lost. */
  sweepInterval: durationSetting.prefault('60 s'),
  /** For how long a copy is kept after no rule requires it any more. Until then, a change of the rules can be undone. */
  copyRetention: durationSetting.prefault('1 h'),
  logLevel: logLevelSetting.default('info'),
  /** Viewer addresses that the pages of the demo offer for simulating viewers in other cities. */
  demoViewers: z.array(z.strictObject({ name: z.string().min(1), address: z.string().min(1) })).default([]),
});
export type CentralConfig = z.output<typeof centralConfigSchema>;
