/**
 * Coverage zones from an operator's own file, read again whenever it changes: one prefix a line and the site's name or id
 * behind it. A file with a fault changes nothing: what was read last stands, and the log names the line.
 */
import { readFile, stat } from 'node:fs/promises';
import { repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { parsePrefix } from '../../kernel/network.ts';
import { messageOf } from '../../kernel/problem.ts';
import { NO_ZONES, type ZoneSource } from './viewers.ts';

const LOOK_EVERY_MS = 2_000;
const MAX_BYTES = 32 * 2 ** 20;

export interface ZoneFile {
  readonly zones: () => ZoneSource;
  stop(): Promise<void>;
}

/** `10.1.0.0/16 Hangzhou campus`; blank lines and what follows a `#` do not count. @throws Error that names the line. */
export function parseZones(text: string): ZoneSource['zones'] {
  return text.split('\n').flatMap((line, at) => {
    const [prefix = '', ...words] = line.replace(/#.*$/, '').trim().split(/\s+/);
    if (prefix === '') return [];
    if (!parsePrefix(prefix)) throw new Error(`line ${at + 1}: "${prefix}" is no network`);
    if (words.length === 0) throw new Error(`line ${at + 1}: no site stands behind ${prefix}`);
    return [{ prefix, site: words.join(' ') }];
  });
}

export function watchZoneFile(path: string | undefined, log: Log): ZoneFile {
  if (path === undefined) return { zones: () => NO_ZONES, stop: () => Promise.resolve() };
  let source = NO_ZONES;
  let seen = '';
  const reading = repeat(async () => {
    try {
      const { mtimeMs, size } = await stat(path);
      const now = `${mtimeMs} ${size}`;
      if (now !== seen) {
        seen = now;
        if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
        const zones = parseZones(await readFile(path, 'utf8'));
        source = { version: source.version + 1, zones };
        log.info({ path, zones: zones.length }, 'coverage zones were read');
      }
    } catch (error) {
      const reason = messageOf(error);
      if (seen !== reason) log.warn({ path, reason }, 'coverage zones were not read; the last ones stand');
      if (!/^line |^it is larger/.test(reason)) seen = reason;
    }
    return LOOK_EVERY_MS;
  });
  return { zones: () => source, stop: () => reading.stop() };
}
