/** Configuration: one TOML file with a section for each part. It is parsed once at startup, and all errors are reported together. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { errorCodeOf } from '../error-code.ts';
import { parseInput } from '../input.ts';
import { findNearest } from '../nearest.ts';
import { messageOf } from '../problem.ts';
import { ConfigError } from './config-error.ts';

const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|min|h)$/;
const DURATION_MS = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 } as const;
const BITRATE = /^(\d+(?:\.\d+)?)\s*(kbit|Mbit|Gbit)\/s$/;
const BITRATE_BPS = { kbit: 1e3, Mbit: 1e6, Gbit: 1e9 } as const;

/** Parses a duration into milliseconds: `"10 s"` → 10000. Returns undefined if the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  return match ? Number(match[1]) * DURATION_MS[match[2] as keyof typeof DURATION_MS] : undefined;
}

/** Parses a bit rate into bits per second: `"20 Mbit/s"` → 20000000 (powers of 1000). Returns undefined if the text is not a bit rate. */
export function parseBitrate(text: string): number | undefined {
  const match = BITRATE.exec(text);
  return match ? Math.round(Number(match[1]) * BITRATE_BPS[match[2] as keyof typeof BITRATE_BPS]) : undefined;
}

/**
 * Reads `[section]` of the TOML file at `path`. The file may contain sections of other parts.
 *
 * @throws ConfigError that lists every error.
 */
export function readConfig<T>(
  path: string,
  section: string,
  schema: z.ZodType<T>,
): { config: T; directory: string } {
  return { config: parseConfig(readText(path, section), path, section, schema), directory: dirname(path) };
}

/** Lists the names of the sections in the TOML file at `path`. @throws ConfigError */
export const listSections = (path: string): readonly string[] =>
  Object.keys(parseTables(readText(path), path));

/** @param section the part to suggest if there is no file */
function readText(path: string, section = 'site'): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const message =
      errorCodeOf(cause) === 'ENOENT'
        ? `There is no file ${path}. Write one with \`tributary init ${section}\`, or name another with --config.`
        : `Cannot read the configuration ${path}: ${messageOf(cause)}.`;
    throw new ConfigError(message, { cause });
  }
}

function parseTables(text: string, path: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (cause) {
    const where = cause instanceof TomlError ? `, line ${cause.line}` : '';
    throw new ConfigError(`${path}${where} is not valid TOML: ${messageOf(cause).split('\n')[0]}`, { cause });
  }
}

export function parseConfig<T>(text: string, path: string, section: string, schema: z.ZodType<T>): T {
  const tables = parseTables(text, path);
  if (!(section in tables)) {
    const similar = findNearest(section, Object.keys(tables));
    const advice =
      similar === undefined
        ? 'See tributary.sample.toml for an example.'
        : `Rename [${similar}] to [${section}]?`;
    throw new ConfigError(`${path} has no section [${section}]. ${advice}`);
  }
  const words = { whole: `[${section}]`, field: 'setting', object: 'a table', prefix: section };
  const parsed = parseInput(schema, tables[section], words);
  if (parsed.ok) return parsed.data;
  const { errors } = parsed;
  throw new ConfigError(
    `${errors.length === 1 ? '1 error' : `${errors.length} errors`} in ${path}:\n${errors.map(({ detail }) => `  ${detail}`).join('\n')}`,
  );
}
