/**
 * The names of a part in URLs, by its own settings. Requests carry a Host header, which their senders choose: it is compared with
 * these names, and never trusted.
 */
import type { Socket } from 'node:net';
import { formatAddress } from './client.ts';

export interface NamedPart {
  /** The URL at which other parts and browsers reach this part. */
  readonly baseUrl?: string | undefined;
  /** Other names of this part, with the port unless it is the default of the scheme: `video.internal:8090`. */
  readonly hosts: readonly string[];
}

/** Host and port of a URL, in lower case, without the default port of its scheme. */
export const authorityOf = (url: string): string => new URL(url).host;

/** The authorities in the settings of this part. */
export const ownAuthorities = ({ baseUrl, hosts }: NamedPart): string[] => [
  ...(baseUrl === undefined ? [] : [authorityOf(baseUrl)]),
  ...hosts,
];

/** The authorities that consist of the address and port at which a connection arrived. */
export function socketAuthorities({ localAddress, localPort }: Socket): string[] {
  if (localAddress === undefined || localPort === undefined) return [];
  const address = localAddress.replace(/^::ffff:/, '');
  const names = [address, ...(/^(127\.|::1$)/.test(address) ? ['localhost'] : [])];
  return names.flatMap(name => {
    const withPort = formatAddress(name, localPort);
    return localPort === 80 || localPort === 443
      ? [withPort, withPort.slice(0, withPort.lastIndexOf(':'))]
      : [withPort];
  });
}
