/** Settings of a site: section `[site]`. Every default stands here. */
import * as z from 'zod';
import {
  baseUrlSetting,
  bitrateSetting,
  databaseSetting,
  durationSetting,
  listenSetting,
  logLevelSetting,
  prefixSetting,
  sizeSetting,
  tokenSetting,
} from '../kernel/config/settings.ts';
import { DEFAULT_MAX_UPLOAD_BYTES, HARD_MAX_UPLOAD_BYTES } from '../protocol/limits.ts';
import { addressSchema } from '../protocol/publication/record.ts';
import { nameSchema } from '../protocol/text.ts';
import { parseDayWindow } from './delivery/delivery.ts';
import { CODECS, DEFAULT_LADDER } from './media/ladder/ladder.ts';

const dayWindowSetting = z.string().transform((text, context) => {
  const window = parseDayWindow(text);
  if (window) return window;
  context.addIssue({
    code: 'custom',
    message: `"${text}" is no time of day. Write for example "01:00-06:30".`,
  });
  return z.NEVER;
});

export const SITE_PARTS = ['web', 'origin', 'buffer'] as const;
export type SitePart = (typeof SITE_PARTS)[number];

export const siteConfigSchema = z.strictObject({
  name: nameSchema,
  listen: listenSetting.prefault('0.0.0.0:8090'),
  /** PEM files: with both, `listen` speaks TLS. They are read again when they change. */
  tlsCertificate: z.string().min(1).optional(),
  tlsKey: z.string().min(1).optional(),
  /** What viewers and central use to reach this site. */
  baseUrl: baseUrlSetting,
  /** IP address and port that the record names as the video's source server. */
  sourceAddress: addressSchema,
  dataDirectory: z.string().min(1),
  database: databaseSetting.optional(),
  /** What this process is of the site: all of it, or parts of it that run apart (docs/databases.md). */
  parts: z
    .array(z.enum(SITE_PARTS))
    .min(1)
    .default([...SITE_PARTS]),
  /** Where the buffer finds an origin that runs apart. */
  originUrl: baseUrlSetting.optional(),
  /** Where web finds a buffer that runs apart. */
  bufferUrl: baseUrlSetting.optional(),
  /** Where a buffer that runs apart passes on what is no media. */
  webUrl: baseUrlSetting.optional(),
  central: baseUrlSetting.optional(),
  /**
   * The link that central may read this site over when it cannot connect to it (NAT): "auto" opens one once central says
   * that it cannot; "always" and has central prefer it; "never".
   */
  link: z.enum(['auto', 'always', 'never']).default('auto'),
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
  /** Connections that one address (of IPv6 one /64) may hold. */
  connectionsPerAddress: z.int().min(1).max(1_000_000).default(64),
  /** Proxies in front of this site: their X-Forwarded-For is believed, and that limit is not for them. */
  trustedProxies: z.array(prefixSetting).default([]),
  /** What may leave this site for viewers and other sites together; and for each of the two. Absent: no limit. */
  uplink: bitrateSetting.optional(),
  uplinkViewers: bitrateSetting.optional(),
  uplinkFills: bitrateSetting.optional(),
  /** What may leave this site in one day, and not a byte more. Absent: no limit. */
  uplinkDaily: sizeSetting.optional(),
  /** When this site fetches from others what nobody waits for yet. Empty: at any time. */
  fillWindows: z.array(dayWindowSetting).default([]),
  /** False: takes uploads and hands them to other sites; viewers outside of `trustedNetworks` are sent elsewhere. */
  serveViewers: z.boolean().default(true),
  /** Films that this process converts at a time; 0 leaves all of it to `tributary worker`. */
  workers: z.int().min(0).max(64).default(1),
  /** Of a `tributary worker` that does not see the site's disks: it works here, and through `s3`. */
  workDirectory: z.string().min(1).optional(),
  /** From the best to the lowest; a source gets those that are not above its own size. */
  ladder: z
    .array(
      z.strictObject({
        codec: z.enum(CODECS).default('h264'),
        /** Of the shorter side. */
        lines: z.int().min(64).max(4_320),
        kbps: z.int().min(50).max(100_000),
      }),
    )
    .max(16)
    .default([...DEFAULT_LADDER]),
  /** Directories on several disks; without any the data directory keeps the media too. */
  disks: z.array(z.string().min(1)).max(64).default([]),
  /** An S3-compatible object store behind the disks: what is finished moves there. */
  s3: z
    .strictObject({
      endpoint: z.url({ protocol: /^https?$/ }),
      region: z.string().min(1).max(60).default('us-east-1'),
      bucket: z
        .string()
        .regex(
          /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
          'A bucket has 3 to 63 small letters, digits, dots and dashes.',
        ),
      prefix: z
        .string()
        .regex(/^([A-Za-z0-9._-]+\/)*$/, 'A prefix is empty or ends in "/", e.g. "hangzhou/".')
        .default(''),
      accessKeyId: z.string().min(1).optional(),
      secretAccessKey: z.string().min(1).optional(),
    })
    .optional(),
  /** Where the origin listens for this site's own buffer. Port 0: any free one. */
  originListen: listenSetting.prefault('127.0.0.1:0'),
  logLevel: logLevelSetting.default('info'),
});
export type SiteConfig = z.output<typeof siteConfigSchema>;
