/** Types of settings that the configurations of several parts share. */
import * as z from 'zod';
import { parsePrefix } from '../network.ts';
import { isPostgresUrl } from '../sql/postgres.ts';
import { parseBitrate, parseDuration, parseSize } from './config.ts';

/** Shorter intervals would keep a loop busy all the time; longer ones exceed what Node's timers can count (2^31 ms). */
const MIN_DURATION_MS = 10;
const MAX_DURATION_MS = 24 * 24 * 3_600_000;

export const durationSetting = z.string().transform((text, context) => {
  const value = parseDuration(text);
  if (value === undefined) {
    context.addIssue({
      code: 'custom',
      message: `"${text}" is no duration. Write for example "500 ms", "10 s" or "2 min".`,
    });
    return z.NEVER;
  }
  if (value < MIN_DURATION_MS || value > MAX_DURATION_MS) {
    context.addIssue({
      code: 'custom',
      message: `"${text}" is too ${value < MIN_DURATION_MS ? 'short' : 'long'}. A duration is "10 ms" at least and "576 h" at most.`,
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
      message: `"${text}" is no size. Write for example "512 MB" or "2 GB".`,
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
      message: `"${text}" is no bit rate. Write for example "800 kbit/s", "20 Mbit/s" or "1 Gbit/s".`,
    });
    return z.NEVER;
  }
  return value;
});

/** `"127.0.0.1:8080"`, `"[::]:8080"` */
export const listenSetting = z.string().transform((text, context) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    context.addIssue({
      code: 'custom',
      message: `"${text}" is no address to listen on. Write for example "0.0.0.0:8090".`,
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
      message: `"${text}" is no network. Write for example "10.0.0.0/8" or "2001:db8::/32".`,
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
    // falls through to the message
  }
  context.addIssue({
    code: 'custom',
    message: `"${text}" is no base URL. Write scheme, host and port alone, e.g. "https://video.example.edu".`,
  });
  return z.NEVER;
});

/** `"postgres://user:password@host/name"`. Without it, the part uses an embedded database. */
export const databaseSetting = z
  .string()
  .refine(
    isPostgresUrl,
    'A database is given as "postgres://user:password@host:5432/name". Leave it out for the embedded one.',
  );

export const tokenSetting = z
  .string()
  .min(16, 'An operator token has at least 16 characters. Make one with: openssl rand -hex 24');
export const logLevelSetting = z.enum(['debug', 'info', 'warn', 'error', 'silent']);
