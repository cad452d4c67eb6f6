/**
 * Looks up the location and the autonomous system of an address in an operator's MaxMind DB files, which are read again
 * when they change.
 */
import { stat } from 'node:fs/promises';
import { type AsnResponse, type CityResponse, open, type Reader, type Response } from 'maxmind';
import { repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { Geo } from './viewers.ts';

const CHECK_EVERY_MS = 30_000;
const CACHED_ADDRESSES = 10_000;

export interface GeoFiles {
  readonly geo: Geo;
  stop(): Promise<void>;
}

export async function openGeo(
  paths: { readonly city?: string | undefined; readonly asn?: string | undefined },
  log: Log,
): Promise<GeoFiles> {
  const city = await watchDatabase<CityResponse>(paths.city, log);
  const asn = await watchDatabase<AsnResponse>(paths.asn, log);
  return {
    geo: {
      find(address) {
        const { latitude, longitude } = city.find(address)?.location ?? {};
        return {
          asn: asn.find(address)?.autonomous_system_number,
          // Some entries have only a time zone or a radius.
          coordinates:
            Number.isFinite(latitude) && Number.isFinite(longitude)
              ? { latitude: latitude as number, longitude: longitude as number }
              : undefined,
        };
      },
    },
    async stop() {
      await Promise.all([city.stop(), asn.stop()]);
    },
  };
}

/** An unreadable file is logged and treated as empty: clients are then located by their zones only. */
async function watchDatabase<T extends Response>(path: string | undefined, log: Log) {
  if (path === undefined) return { find: () => undefined, stop: () => Promise.resolve() };
  let reader: Reader<T> | undefined;
  let loaded = '';
  const load = async (): Promise<void> => {
    try {
      const { mtimeMs, size } = await stat(path);
      if (loaded === `${mtimeMs} ${size}`) return;
      reader = await open<T>(path, { cache: { max: CACHED_ADDRESSES } });
      loaded = `${mtimeMs} ${size}`;
      log.info({ path }, 'address database loaded');
    } catch (error) {
      const reason = messageOf(error);
      if (loaded !== reason) log.warn({ path, reason }, 'address database could not be loaded');
      loaded = reason;
    }
  };
  await load();
  const loading = repeat(async () => {
    await load();
    return CHECK_EVERY_MS;
  });
  return {
    find(address: string): T | undefined {
      try {
        return reader?.get(address) ?? undefined;
      } catch {
        // The file has no such address, for example IPv6 in a file of IPv4.
        return undefined;
      }
    },
    stop: () => loading.stop(),
  };
}
