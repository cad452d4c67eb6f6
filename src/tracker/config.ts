/** Settings of a tracker: section `[tracker]`. Every default stands here. */
import * as z from 'zod';
import {
  baseUrlSetting,
  durationSetting,
  listenSetting,
  logLevelSetting,
  prefixSetting,
  tokenSetting,
} from '../kernel/config/settings.ts';
import { POLICIES } from './choice/prior.ts';

export const trackerConfigSchema = z.strictObject({
  listen: listenSetting.prefault('0.0.0.0:8081'),
  /** What players use to reach it. */
  baseUrl: baseUrlSetting,
  dataDirectory: z.string().min(1),
  central: baseUrlSetting,
  /** Needed once, at the first start. */
  joinToken: z.string().optional(),
  operatorToken: tokenSetting,
  probeInterval: durationSetting.prefault('1 s'),
  /** How sites are chosen: by distance, by what viewers measured, or by both. */
  policy: z.enum(POLICIES).default('auto'),
  /** Coverage zones beside those of the centre: `PREFIX SITE` a line, read again when it changes. */
  zonesFile: z.string().min(1).optional(),
  /** MaxMind DB files of the operator's own: places of addresses, and their autonomous systems. */
  cityDatabase: z.string().min(1).optional(),
  asnDatabase: z.string().min(1).optional(),
  trustedProxies: z.array(prefixSetting).default([]),
  /** Believe `?client=IP`: one machine can then be a viewer anywhere. */
  trustClientParameter: z.boolean().default(false),
  logLevel: logLevelSetting.default('info'),
});
export type TrackerConfig = z.output<typeof trackerConfigSchema>;
