/**
 * The names of a part in URLs, by its own settings. Requests carry a Host header, which their senders choose: it is compared with
 * these names, and never trusted.
 */
import type { Socket } from 'node:net';
import { parseAddress } from '../network.ts';
import { formatAddress } from './client.ts';

export interface NamedPart {
  /** The URL at which other parts and browsers reach this part. */
  readonly baseUrl?: string | undefined;
  /** Other names of this part, with the port unless it is the default of the scheme: `video.internal:8090`. */
  readonly hosts: readonly string[];
}

/**
 * True if the Host header of a request has an IP address, `localhost` or a name of this part. A page of another name reaches this
 * part after a change of its DNS records (DNS rebinding), and then its requests have that name.
 */
export function isOwnHost(host: string | undefined, part: NamedPart): boolean {
  const name = hostNameOf(host ?? '');
  if (name === undefined) return false;
  return (
    name === 'localhost' ||
    parseAddress(name) !== undefined ||
    ownAuthorities(part).some(own => hostNameOf(own) === name)
  );
}

/** The name without port and final dot, in lower case. */
function hostNameOf(host: string): string | undefined {
  const url = `http://${host}`;
  if (host === '' || /[/?#@\\]/.test(host) || !URL.canParse(url)) return undefined;
  return new URL(url).hostname.replace(/\.$/, '');
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
