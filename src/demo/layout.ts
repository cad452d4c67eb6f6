/** The addresses, directories and locations of the demo's parts. */
import { join } from 'node:path';
import { tryListen } from '../kernel/http/try-listen.ts';

export interface DemoSite {
  readonly name: string;
  readonly directory: string;
  readonly host: string;
  readonly port: number;
  readonly url: string;
  readonly coordinates: { readonly latitude: number; readonly longitude: number };
  readonly zone: readonly string[];
  /** The address of a viewer in this zone, for `?client=`. */
  readonly viewer: string;
}

export interface DemoLayout {
  readonly dataDirectory: string;
  readonly centralPort: number;
  readonly trackerPort: number;
  readonly centralUrl: string;
  readonly trackerUrl: string;
  readonly sites: readonly DemoSite[];
}

const CITIES = [
  { name: '杭州 Hangzhou', latitude: 30.27, longitude: 120.16, zone: '10.1.0.0/16', viewer: '10.1.0.10' },
  { name: '广州 Guangzhou', latitude: 23.13, longitude: 113.26, zone: '10.2.0.0/16', viewer: '10.2.0.10' },
  { name: '北京 Beijing', latitude: 39.9, longitude: 116.4, zone: '10.3.0.0/16', viewer: '10.3.0.10' },
] as const;

/**
 * Plans the demo. Players distinguish sites by host, so each site gets its own address if the machine has several loopback
 * addresses, as Linux does.
 */
export async function planDemo(dataDirectory: string, firstPort: number): Promise<DemoLayout> {
  const ownHosts = (await tryListen('127.0.0.4', 0)) === undefined;
  return {
    dataDirectory,
    centralPort: firstPort,
    trackerPort: firstPort + 1,
    centralUrl: `http://127.0.0.1:${firstPort}`,
    trackerUrl: `http://127.0.0.1:${firstPort + 1}`,
    sites: CITIES.map((city, index) => {
      const host = ownHosts ? `127.0.0.${index + 2}` : '127.0.0.1';
      const port = ownHosts ? firstPort + 10 : firstPort + 10 + index;
      return {
        name: city.name,
        directory: join(dataDirectory, `site-${index + 1}`),
        host,
        port,
        url: `http://${host}:${port}`,
        coordinates: { latitude: city.latitude, longitude: city.longitude },
        zone: [city.zone],
        viewer: city.viewer,
      };
    }),
  };
}
