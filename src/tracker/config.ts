/** The settings of a tracker: section `[tracker]`, with all defaults. */
import * as z from 'zod';
import {
  baseUrlSetting,
  durationSetting,
  hostsSetting,
  joinTokenSetting,
  listenSetting,
  logLevelSetting,
  prefixSetting,
  tokenSetting,
} from '../kernel/config/settings.ts';
import { connectionSettings } from '../kernel/http/connections/connection-limit.ts';
import { POLICIES } from './choice/prior.ts';

export const trackerConfigSchema = z.strictObject({
  listen: listenSetting.prefault('0.0.0.0:8081'),
  /** The URL by which players reach this tracker. */
  baseUrl: baseUrlSetting,
  /** Other names of this part in URLs, with the port: `video.internal:8090`. */
  hosts: hostsSetting.default([]),
  ...connectionSettings,
  dataDirectory: z.string().min(1),
  central: baseUrlSetting,
  /** Needed only for the first start. */
  joinToken: joinTokenSetting.optional(),
  operatorToken: tokenSetting,
  /** False: this tracker refuses the operator token, and only people with accounts may operate it. */
  breakGlass: z.boolean().default(true),
  probeInterval: durationSetting.prefault('1 s'),
  /** How sites are ranked: by distance, by measured throughput, or by both. */
  policy: z.enum(POLICIES).default('auto'),
  /** A file of coverage zones in addition to central's, with lines `PREFIX SITE`. It is read again when it changes. */
  zonesFile: z.string().min(1).optional(),
  /** MaxMind DB files of the operator: locations of addresses, and their autonomous systems. */
  cityDatabase: z.string().min(1).optional(),
  asnDatabase: z.string().min(1).optional(),
  trustedProxies: z.array(prefixSetting).default([]),
  /** Trusts `?client=IP`, so that one machine can act as a viewer anywhere. */
  trustClientParameter: z.boolean().default(false),
  logLevel: logLevelSetting.default('info'),
});
export type TrackerConfig = z.output<typeof trackerConfigSchema>;
