/** The section `[central]` of the configuration. */
import * as z from 'zod';
import {
  baseUrlSetting,
  databaseSetting,
  durationSetting,
  hostsSetting,
  listenSetting,
  logLevelSetting,
  prefixSetting,
  secretSetting,
  tokenSetting,
} from '../kernel/config/settings.ts';
import { connectionSettings } from '../kernel/http/connections/connection-limit.ts';
import { siteIdSchema } from '../protocol/base/ids.ts';
import { fieldSettingsSchema } from '../protocol/catalogue/fields.ts';
import { embedOriginSchema } from '../protocol/embedding.ts';
import { assignmentSchema, roleSchema, seriesIdSchema } from '../protocol/people/permissions.ts';

/** A provider of OpenID Connect. */
const oidcProviderSchema = z.strictObject({
  /** Shown on the sign-in page. It also names the provider in addresses. */
  name: z.string().trim().min(1).max(60),
  /** Plain HTTP only for a provider on this machine. */
  issuer: z
    .url({ protocol: /^https?$/, error: 'must be the URL of the issuer' })
    .refine(
      url => !URL.canParse(url) || new URL(url).protocol === 'https:' || isLoopback(url),
      'must begin with https://. Only a provider on this machine may use http://.',
    ),
  clientId: z.string().min(1).max(400),
  clientSecret: secretSetting.optional(),
  scopes: z.string().default('openid profile email'),
  /** The claim of the ID token or of the user info that lists the groups of the person. */
  groupsClaim: z.string().min(1).max(100).optional(),
  /** The provider verifies the e-mail addresses of all its people, although its claims do not say so (Entra ID). */
  trustEmails: z.boolean().default(false),
  /** Roles of groups. Without `site` or `series`, the role is for everything. `group = "*"` is everyone at this provider. */
  roles: z
    .array(
      z
        .strictObject({
          group: z.string().min(1).max(200),
          role: roleSchema,
          /** The id of a site. */
          site: siteIdSchema.optional(),
          series: seriesIdSchema.optional(),
        })
        .refine(
          ({ site, series }) => site === undefined || series === undefined,
          'has both site and series. Use two entries, one for each.',
        ),
    )
    .max(1_000)
    .default([]),
});
export type OidcProvider = z.output<typeof oidcProviderSchema>;

const isLoopback = (url: string): boolean =>
  /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);
const haveDifferent = (member: 'name' | 'issuer') => (providers: readonly OidcProvider[]) =>
  new Set(providers.map(provider => provider[member])).size === providers.length;

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
  /** False: this part refuses the operator token, and only people with accounts may operate it. */
  breakGlass: z.boolean().default(true),
  /** Proxies in front of central. Their X-Forwarded-For is trusted, and the limit of connections does not apply to them. */
  trustedProxies: z.array(prefixSetting).default([]),
  /** Viewers in these networks may watch internal videos without signing in. */
  houseNetworks: z.array(prefixSetting).default([]),
  /** People may sign in with an e-mail address and a password. */
  localAccounts: z.boolean().default(true),
  /** Providers with which people sign in (docs/people.md). */
  oidc: z
    .array(oidcProviderSchema)
    .max(20)
    .refine(haveDifferent('name'), 'has two providers with the same name. Give each its own name.')
    .refine(haveDifferent('issuer'), 'has two providers with the same issuer. Keep one of them.')
    .default([]),
  /** A session ends when it was not used for this long, and in any case after `sessionLifetime`. */
  sessionIdle: durationSetting.prefault('12 h'),
  sessionLifetime: durationSetting.prefault('168 h'),
  /** How long a site accepts a session or token after the last contact with central. */
  siteSessionLifetime: durationSetting.refine(ms => ms >= 1_000, 'must be at least "1 s".').prefault('12 h'),
  /** Fields that people fill in for videos, in addition to the usual ones (docs/catalogue.md). */
  fields: fieldSettingsSchema.default([]),
  /** Audit entries are removed after this many days. Absent: they are kept for ever. */
  auditDays: z.int().min(1).max(36_500).optional(),
  /**
   * People whom the sign-in page of the demo offers; central creates them when it starts. `role` is shown. Anyone who reaches central
   * can sign in as them.
   */
  demoPeople: z
    .array(
      z.strictObject({
        id: z.uuid(),
        name: z.string().min(1).max(200),
        role: z.string().min(1).max(100),
        roles: z.array(assignmentSchema).default([]),
      }),
    )
    .default([]),
  /** Every joined site is read at this interval, even if its signals are lost. */
  sweepInterval: durationSetting.prefault('60 s'),
  /** For how long a copy is kept after no rule requires it any more. Until then, a change of the rules can be undone. */
  copyRetention: durationSetting.prefault('1 h'),
  /** The origins whose pages may contain the player of public videos (docs/embedding.md). */
  embedOrigins: z.array(embedOriginSchema).max(200).default(['*']),
  logLevel: logLevelSetting.default('info'),
  /** Viewer addresses that the pages of the demo offer for simulating viewers in other cities. */
  demoViewers: z.array(z.strictObject({ name: z.string().min(1), address: z.string().min(1) })).default([]),
});
export type CentralConfig = z.output<typeof centralConfigSchema>;
