/**
 * Reads coverage zones from an operator's file and reads it again when it changes. Each line has a prefix, followed by
 * the name or id of a site. An invalid file changes nothing: the zones read last remain in use, and the log names the
 * line.
 */
import { readFile, stat } from 'node:fs/promises';
import { repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { parsePrefix } from '../../kernel/network.ts';
import { messageOf } from '../../kernel/problem.ts';
import { NO_ZONES, type ZoneSource } from './viewers.ts';

const CHECK_EVERY_MS = 2_000;
const MAX_BYTES = 32 * 2 ** 20;

export interface ZoneFile {
  readonly zones: () => ZoneSource;
  stop(): Promise<void>;
}

/**
 * Parses lines like `10.1.0.0/16 Hangzhou campus`. Blank lines and text after a `#` are ignored. @throws Error that
 * names the line.
 */
export function parseZones(text: string): ZoneSource['zones'] {
  return text.split('\n').flatMap((line, at) => {
    const [prefix = '', ...words] = line.replace(/#.*$/, '').trim().split(/\s+/);
    if (prefix === '') return [];
    if (!parsePrefix(prefix)) throw new Error(`line ${at + 1}: "${prefix}" is not a network prefix`);
    if (words.length === 0) throw new Error(`line ${at + 1}: no site follows ${prefix}`);
    return [{ prefix, site: words.join(' ') }];
  });
}

export function watchZoneFile(path: string | undefined, log: Log): ZoneFile {
  if (path === undefined) return { zones: () => NO_ZONES, stop: () => Promise.resolve() };
  let source = NO_ZONES;
  let loaded = '';
  const reading = repeat(async () => {
    try {
      const { mtimeMs, size } = await stat(path);
      const now = `${mtimeMs} ${size}`;
      if (now !== loaded) {
        loaded = now;
        if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
        const zones = parseZones(await readFile(path, 'utf8'));
        source = { version: source.version + 1, zones };
        log.info({ path, zones: zones.length }, 'coverage zones loaded');
      }
    } catch (error) {
      const reason = messageOf(error);
      if (loaded !== reason)
        log.warn({ path, reason }, 'coverage zones could not be loaded; the previous ones remain in use');
      if (!/^line |^it is larger/.test(reason)) loaded = reason;
    }
    return CHECK_EVERY_MS;
  });
  return { zones: () => source, stop: () => reading.stop() };
}
