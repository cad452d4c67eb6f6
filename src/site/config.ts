/** Settings of a site: section `[site]`. Every default stands here. */
import { z } from 'zod';
import {
  baseUrlSetting,
  databaseSetting,
  durationSetting,
  listenSetting,
  logLevelSetting,
  prefixSetting,
  sizeSetting,
  tokenSetting,
} from '../kernel/settings.ts';
import { DEFAULT_MAX_UPLOAD_BYTES, HARD_MAX_UPLOAD_BYTES } from '../protocol/limits.ts';
import { addressSchema } from '../protocol/record.ts';
import { nameSchema } from '../protocol/text.ts';

export const siteConfigSchema = z.strictObject({
  name: nameSchema,
  listen: listenSetting.prefault('0.0.0.0:8090'),
  /** What viewers and central use to reach this site. */
  baseUrl: baseUrlSetting,
  /** IP address and port that the record names as the video's source server. */
  sourceAddress: addressSchema,
  dataDirectory: z.string().min(1),
  database: databaseSetting.optional(),
  central: baseUrlSetting.optional(),
  /** Needed once, at the first start. */
  joinToken: z.string().optional(),
  operatorToken: tokenSetting,
  /** The studio asks nobody in these networks for a token. */
  trustedNetworks: z.array(prefixSetting).default([]),
  /** The patent's timer: how often an unsent signal is tried again. */
  signalInterval: durationSetting.prefault('5 s'),
  maxUpload: sizeSetting
    .refine(bytes => bytes <= HARD_MAX_UPLOAD_BYTES, 'At most "100 GB".')
    .default(DEFAULT_MAX_UPLOAD_BYTES),
  /** Uploads are refused before the disk has less than this left. */
  keepFree: sizeSetting.prefault('512 MB'),
  bufferMemory: sizeSetting.prefault('64 MB'),
  bufferDisk: sizeSetting.prefault('2 GB'),
  /** Where the origin listens for this site's own buffer. Port 0: any free one. */
  originListen: listenSetting.prefault('127.0.0.1:0'),
  logLevel: logLevelSetting.default('info'),
});
export type SiteConfig = z.output<typeof siteConfigSchema>;
