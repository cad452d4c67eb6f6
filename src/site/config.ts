/** The settings of a site, section `[site]`, and all their defaults. */
import { isAbsolute } from 'node:path';
import * as z from 'zod';
import {
  baseUrlSetting,
  bitrateSetting,
  databaseSetting,
  durationSetting,
  hostsSetting,
  joinTokenSetting,
  listenSetting,
  logLevelSetting,
  prefixSetting,
  secretSetting,
  sizeSetting,
  tokenSetting,
} from '../kernel/config/settings.ts';
import { connectionSettings } from '../kernel/http/connections/connection-limit.ts';
import { findSourceAddress } from '../kernel/own-address.ts';
import { DEFAULT_MAX_UPLOAD_BYTES, HARD_MAX_UPLOAD_BYTES } from '../protocol/base/limits.ts';
import { nameSchema } from '../protocol/base/text.ts';
import { addressSchema } from '../protocol/publication/record.ts';
import { parseDayWindow } from './delivery/delivery.ts';
import { CODECS, DEFAULT_LADDER } from './media/ladder/ladder.ts';

const dayWindowSetting = z.string().transform((text, context) => {
  const window = parseDayWindow(text);
  if (window) return window;
  context.addIssue({
    code: 'custom',
    message: `"${text}" is not a valid time window. Example: "01:00-06:30".`,
  });
  return z.NEVER;
});

export const SITE_PARTS = ['web', 'origin', 'buffer'] as const;
export type SitePart = (typeof SITE_PARTS)[number];

export const siteConfigSchema = z.strictObject({
  name: nameSchema,
  listen: listenSetting.prefault('0.0.0.0:8090'),
  /** PEM files. If both are set, `listen` uses TLS. They are read again when they change. */
  tlsCertificate: z.string().min(1).optional(),
  tlsKey: z.string().min(1).optional(),
  /** The address that viewers and central use for this site. */
  baseUrl: baseUrlSetting,
  /** Other names of this part in URLs, with the port: `video.internal:8090`. */
  hosts: hostsSetting.default([]),
  /** IP address and port of the source server in the records of this site. The default is that of `baseUrl`. */
  sourceAddress: addressSchema.optional(),
  dataDirectory: z.string().min(1),
  database: databaseSetting.optional(),
  /** The parts of the site that run in this process (docs/databases.md). */
  parts: z
    .array(z.enum(SITE_PARTS))
    .min(1)
    .default([...SITE_PARTS]),
  /** Address of a standalone origin, for the buffer. */
  originUrl: baseUrlSetting.optional(),
  /** Address of a standalone buffer, for web. */
  bufferUrl: baseUrlSetting.optional(),
  /** Address of web, for a standalone buffer, which forwards all requests except those for media. */
  webUrl: baseUrlSetting.optional(),
  central: baseUrlSetting.optional(),
  /**
   * The link over which central can read this site if it cannot connect to it (NAT). "auto" opens one when central reports
   * that it cannot connect; "always" makes central prefer the link; "never" opens none.
   */
  link: z.enum(['auto', 'always', 'never']).default('auto'),
  /** Only needed at the first start. */
  joinToken: joinTokenSetting.optional(),
  operatorToken: tokenSetting,
  /** False: the studio refuses the operator token, which then only connects the parts of this site. */
  breakGlass: z.boolean().default(true),
  /** Clients in these networks may watch internal videos here, and are served if `serveViewers` is false. */
  trustedNetworks: z.array(prefixSetting).default([]),
  /** Interval at which an unsent signal is retried. */
  signalInterval: durationSetting.prefault('5 s'),
  maxUpload: sizeSetting
    .refine(bytes => bytes <= HARD_MAX_UPLOAD_BYTES, 'must be at most "100 GB"')
    .default(DEFAULT_MAX_UPLOAD_BYTES),
  /** Largest request of an upload from the studio. Absent for no limit; after a proxy refused one, the studio sends smaller ones. */
  chunkSize: sizeSetting.refine(bytes => bytes >= 64 * 1024, 'must be at least 64 KB.').optional(),
  /** Origins of other pages from which people may upload, with a token. */
  uploadOrigins: z.array(baseUrlSetting).max(64).default([]),
  /** Uploads that would leave less than this on the disk are refused. */
  keepFree: sizeSetting.prefault('512 MB'),
  bufferMemory: sizeSetting.prefault('64 MB'),
  bufferDisk: sizeSetting.prefault('2 GB'),
  ...connectionSettings,
  /** Proxies in front of this site. Their X-Forwarded-For is trusted, and that limit does not apply to them. */
  trustedProxies: z.array(prefixSetting).default([]),
  /** Limits on the egress to viewers and other sites together, and to each of the two. Absent for no limit. */
  uplink: bitrateSetting.optional(),
  uplinkViewers: bitrateSetting.optional(),
  uplinkFills: bitrateSetting.optional(),
  /** Hard limit on the egress of one day. Absent for no limit. */
  uplinkDaily: sizeSetting.optional(),
  /** Times of day at which this site prefetches from other sites. Empty for any time. */
  fillWindows: z.array(dayWindowSetting).default([]),
  /** If false, this site only takes uploads, and viewers outside `trustedNetworks` are sent to other sites. */
  serveViewers: z.boolean().default(true),
  /** Number of videos that this process converts at a time; 0 leaves conversion to `tributary worker`. */
  workers: z.int().min(0).max(64).default(1),
  /**
   * The operator's speech program and its arguments. `{audio}` becomes the path of a WAV file, `{language}` a BCP 47 tag or "auto", and
   * `{output}` the path for its WebVTT, which it otherwise writes to standard output (docs/captions.md).
   */
  captionCommand: z
    .array(z.string().min(1).max(1_000))
    .min(1)
    .max(64)
    .refine(([program = '']) => isAbsolute(program), 'The program must have an absolute path.')
    .optional(),
  /** Files and directories that `captionCommand` may read: its models and libraries. */
  captionFiles: z.array(z.string().refine(isAbsolute, 'must be an absolute path')).max(64).default([]),
  /** Creates a draft of captions for each new video that has none. */
  captionsAutomatically: z.boolean().default(false),
  /** Directory of a `tributary worker` that does not see the site's disks and reaches the files through `s3`. */
  workDirectory: z.string().min(1).optional(),
  /** Renditions from best to lowest. A source gets those that are not larger than itself. */
  ladder: z
    .array(
      z.strictObject({
        codec: z.enum(CODECS).default('h264'),
        /** Pixels of the shorter side. */
        lines: z.int().min(64).max(4_320),
        kbps: z.int().min(50).max(100_000),
      }),
    )
    .max(16)
    .default([...DEFAULT_LADDER]),
  /** Directories on several disks for the media. Empty for the data directory. */
  disks: z.array(z.string().min(1)).max(64).default([]),
  /** An S3-compatible object store behind the disks, to which finished videos are moved. */
  s3: z
    .strictObject({
      endpoint: z.url({ protocol: /^https?$/ }),
      region: z.string().min(1).max(60).default('us-east-1'),
      bucket: z
        .string()
        .regex(
          /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
          'A bucket name has 3 to 63 lower-case letters, digits, dots and hyphens.',
        ),
      prefix: z
        .string()
        .regex(/^([A-Za-z0-9._-]+\/)*$/, 'A prefix is empty or ends in "/", for example "hangzhou/".')
        .default(''),
      /** False for stores that refuse addresses of the form host/bucket, and require bucket.host. */
      pathStyle: z.boolean().default(true),
      accessKeyId: secretSetting.optional(),
      secretAccessKey: secretSetting.optional(),
    })
    .optional(),
  /** Each media file is checked for bit rot again after this time, and at most this many bytes per second are read for it. */
  checkInterval: durationSetting.prefault('24 h'),
  checkRate: sizeSetting.refine(bytes => bytes >= 1_000, 'At least "1 KB".').prefault('20 MB'),
  /** Address on which the origin listens for this site's buffer. Port 0 for any free port. */
  originListen: listenSetting.prefault('127.0.0.1:0'),
  logLevel: logLevelSetting.default('info'),
});
export type SiteSettings = z.output<typeof siteConfigSchema>;

export type SiteConfig = SiteSettings & { readonly sourceAddress: string };

/** Fills in the defaults that depend on this machine. */
export const completeSiteConfig = async (settings: SiteSettings): Promise<SiteConfig> => ({
  ...settings,
  sourceAddress: settings.sourceAddress ?? (await findSourceAddress(settings.baseUrl)),
});
