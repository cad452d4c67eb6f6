/** Where an address is and whose network it is of, from an operator's own MaxMind DB files, read again when they change. */
import { stat } from 'node:fs/promises';
import { type AsnResponse, type CityResponse, open, type Reader, type Response } from 'maxmind';
import { repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import type { Geo } from './viewers.ts';

const LOOK_EVERY_MS = 30_000;
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
          // Of some networks files know a time zone or a radius alone.
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

/** A file that cannot be read is none: viewers are then placed by their zones alone, and the log says so. */
async function watchDatabase<T extends Response>(path: string | undefined, log: Log) {
  if (path === undefined) return { find: () => undefined, stop: () => Promise.resolve() };
  let reader: Reader<T> | undefined;
  let seen = '';
  const look = async (): Promise<void> => {
    try {
      const { mtimeMs, size } = await stat(path);
      if (seen === `${mtimeMs} ${size}`) return;
      reader = await open<T>(path, { cache: { max: CACHED_ADDRESSES } });
      seen = `${mtimeMs} ${size}`;
      log.info({ path }, 'addresses are looked up in this file');
    } catch (error) {
      const reason = messageOf(error);
      if (seen !== reason) log.warn({ path, reason }, 'the file of addresses was not read');
      seen = reason;
    }
  };
  await look();
  const looking = repeat(async () => {
    await look();
    return LOOK_EVERY_MS;
  });
  return {
    find(address: string): T | undefined {
      try {
        return reader?.get(address) ?? undefined;
      } catch {
        // Not an address that the file can hold (IPv6 in a file of IPv4).
        return undefined;
      }
    },
    stop: () => looking.stop(),
  };
}
