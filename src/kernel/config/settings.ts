/** Types of settings that the configurations of several parts share. */
import * as z from 'zod';
import { JOIN_TOKEN_LENGTH } from '../../protocol/central.ts';
import { parsePrefix } from '../network.ts';
import { isPostgresUrl } from '../sql/postgres.ts';
import { parseBitrate, parseDuration } from './config.ts';
import { isPlaceholder } from './placeholder.ts';
import { parseSize } from './size.ts';

/** Shorter intervals would keep a loop busy all the time; longer ones exceed what Node's timers can count (2^31 ms). */
const MIN_DURATION_MS = 10;
const MAX_DURATION_MS = 24 * 24 * 3_600_000;

export const durationSetting = z.string().transform((text, context) => {
  const value = parseDuration(text);
  if (value === undefined) {
    context.addIssue({
      code: 'custom',
      message: `"${text}" is not a valid duration. Examples: 500 ms, 10 s, 2 min.`,
    });
    return z.NEVER;
  }
  if (value < MIN_DURATION_MS || value > MAX_DURATION_MS) {
    context.addIssue({
      code: 'custom',
      message: `"${text}" is too ${value < MIN_DURATION_MS ? 'short' : 'long'}. Use between 10 ms and 576 h.`,
    });
    return z.NEVER;
  }
  return value;
});

export const sizeSetting = z.string().transform((text, context) => {
  const value = parseSize(text);
  if (value === undefined) {
    context.addIssue({
      code: 'custom',
      message: `"${text}" is not a valid size. Examples: 512 MB, 2 GB, 1 GiB.`,
    });
    return z.NEVER;
  }
  return value;
});

export const bitrateSetting = z.string().transform((text, context) => {
  const value = parseBitrate(text);
  if (!value) {
    context.addIssue({
      code: 'custom',
      message: `"${text}" is not a valid bit rate. Examples: 800 kbit/s, 20 Mbit/s, 1 Gbit/s.`,
    });
    return z.NEVER;
  }
  return value;
});

/** A listen address such as `"127.0.0.1:8080"` or `"[::]:8080"`. */
export const listenSetting = z.string().transform((text, context) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    context.addIssue({
      code: 'custom',
      message: `"${text}" is not a valid listen address. Example: 0.0.0.0:8090.`,
    });
    return z.NEVER;
  }
  return { host: match[1] ?? match[2] ?? '', port };
});
export type Listen = z.output<typeof listenSetting>;

export const prefixSetting = z.string().transform((text, context) => {
  const prefix = parsePrefix(text);
  if (!prefix) {
    context.addIssue({
      code: 'custom',
      message: `"${text}" is not a valid network prefix. Examples: 10.0.0.0/8, 2001:db8::/32.`,
    });
    return z.NEVER;
  }
  return prefix;
});

export const baseUrlSetting = z.string().transform((text, context) => {
  try {
    const url = new URL(text);
    if (/^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.hash) return url.origin;
  } catch {
    // The message below covers this case.
  }
  context.addIssue({
    code: 'custom',
    message: `"${text}" is not a valid base URL. Use only scheme, host and port. Example: https://video.example.edu.`,
  });
  return z.NEVER;
});

/** Names of a part in URLs, such as `"video.internal:8090"`: host and port, without the default port of the scheme. */
export const hostsSetting = z
  .array(
    z.string().transform((text, context) => {
      try {
        const { host, pathname, username, search, hash } = new URL(`http://${text}`);
        if (host !== '' && pathname === '/' && !/[/?#@]/.test(text) && !username && !search && !hash)
          return host;
      } catch {
        // The message below covers this case.
      }
      context.addIssue({
        code: 'custom',
        message: `"${text}" is not a host. Use a name or an address and the port. Example: video.internal:8090.`,
      });
      return z.NEVER;
    }),
  )
  .max(16);

/** `"postgres://user:password@host/name"`. Without it, the part uses an embedded database. */
export const databaseSetting = z
  .string()
  .refine(
    isPostgresUrl,
    'is not a PostgreSQL URL. Use postgres://user:password@host:5432/name, or remove the setting to use the embedded database.',
  )
  .refine(
    url => !isPlaceholder(/^[^:]+:\/\/[^:@/]*:([^@/]*)@/.exec(url)?.[1] ?? ''),
    'contains a placeholder instead of the password. Put the password of this database user in its place.',
  );

const MAX_TOKEN_CHARACTERS = 1_000;
const HOW_TO_MAKE_A_TOKEN = 'Create a token with: openssl rand -hex 24';

export const tokenSetting = z
  .string()
  .min(16, `must have at least 16 characters. ${HOW_TO_MAKE_A_TOKEN}`)
  .max(MAX_TOKEN_CHARACTERS, `must have at most ${MAX_TOKEN_CHARACTERS} characters. ${HOW_TO_MAKE_A_TOKEN}`)
  // Clients send it in a header.
  .regex(/^[!-~]*$/, `may contain only ASCII characters without spaces. ${HOW_TO_MAKE_A_TOKEN}`)
  .refine(text => !isPlaceholder(text), `is a placeholder, which everybody knows. ${HOW_TO_MAKE_A_TOKEN}`);

/** The one-time token with which a member joins central. */
export const joinTokenSetting = z
  .string()
  .refine(
    text => !isPlaceholder(text),
    'is a placeholder. Replace it with the join token from the admin page of central, or remove the setting if this part has joined.',
  )
  // An empty token is like none.
  .refine(
    ({ length }) => length === 0 || (length >= JOIN_TOKEN_LENGTH.min && length <= JOIN_TOKEN_LENGTH.max),
    `must have ${JOIN_TOKEN_LENGTH.min} to ${JOIN_TOKEN_LENGTH.max} characters. Copy the whole join token from the admin page of central.`,
  );

/** A key or password of another program. */
export const secretSetting = z
  .string()
  .min(1)
  .refine(
    text => !isPlaceholder(text),
    'is a placeholder. Replace it with the real value, or remove the setting.',
  );

export const logLevelSetting = z.enum(['debug', 'info', 'warn', 'error', 'silent']);
