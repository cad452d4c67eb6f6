/**
 * The client that plays a video, and its request: read once, at the edge, for every call of players. `Client` is what the
 * decision and the memory know about a client; `ClientRequest` adds what it sent.
 */
import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import { clientAddress, contains, parseAddress, parseIpv4 } from '../../kernel/network.ts';
import { type Problem, problem } from '../../kernel/problem.ts';
import { type VideoId, videoIdSchema } from '../../protocol/base/ids.ts';
import type { ClientLocation } from '../choice/choose.ts';
import type { TrackerConfig } from '../config.ts';
import type { ViewerIdentity } from '../memory/network-memory.ts';
import type { Credentials } from './private-access.ts';

export const MAX_ADDRESS_CHARACTERS = 64;
/** Longer than any grant. */
export const MAX_GRANT_CHARACTERS = 64;

export interface Client extends ClientLocation, ViewerIdentity {}

export interface ClientRequest {
  readonly client: Client;
  /** The address in `?client=`, if the tracker trusts that parameter. */
  readonly claimedAddress: string | undefined;
  readonly credentials: Credentials;
  /** The base URL by which this client reaches the tracker. */
  readonly trackerUrl: string;
}

/** The parts of an HTTP request that identify a client. */
export interface RawRequest {
  readonly headers: IncomingMessage['headers'];
  readonly socket: { readonly remoteAddress?: string | undefined };
}

type ClientConfig = Pick<TrackerConfig, 'baseUrl' | 'trustClientParameter' | 'trustedProxies'>;

export const clientQuery = z.object({
  client: z.string().max(MAX_ADDRESS_CHARACTERS).optional(),
  /** Grants access to a private video. */
  grant: z.string().max(MAX_GRANT_CHARACTERS).optional(),
});

/**
 * The client's address: the claimed one if the tracker trusts it, otherwise the socket's, or the address that a trusted
 * proxy forwards.
 *
 * @throws Problem 400 `client-invalid`
 */
export function addressOf(
  request: RawRequest,
  claimed: string | undefined,
  config: Pick<ClientConfig, 'trustClientParameter' | 'trustedProxies'>,
): string {
  if (claimed !== undefined && config.trustClientParameter) {
    if (parseIpv4(claimed) !== undefined || parseAddress(claimed)) return claimed;
    throw clientInvalid();
  }
  const forwarded = request.headers['x-forwarded-for'];
  return clientAddress(request.socket.remoteAddress ?? '', forwarded?.toString(), config.trustedProxies);
}

/** The query that carries the claimed address and the grant to further requests; empty if there is neither. */
export function formatClientQuery(claimedAddress: string | undefined, grant: string | undefined): string {
  const parts = listClientParameters(claimedAddress, grant);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
export const listClientParameters = (
  claimedAddress: string | undefined,
  grant: string | undefined,
): readonly string[] => [
  ...(claimedAddress === undefined ? [] : [`client=${encodeURIComponent(claimedAddress)}`]),
  ...(grant === undefined ? [] : [`grant=${encodeURIComponent(grant)}`]),
];

/**
 * The tracker's base URL for this client. A page that was loaded over HTTPS cannot load over HTTP, so if a trusted proxy
 * says that the client uses HTTPS, the URLs of the tracker use it, too.
 */
export function trackerUrlFor(
  request: RawRequest,
  { baseUrl, trustedProxies }: Pick<ClientConfig, 'baseUrl' | 'trustedProxies'>,
): string {
  if (trustedProxies.length === 0 || !baseUrl.startsWith('http:')) return baseUrl;
  const proto = request.headers['x-forwarded-proto']?.toString().split(',', 1)[0]?.trim();
  const proxy = parseAddress(request.socket.remoteAddress ?? '');
  const isTrusted = proxy !== undefined && trustedProxies.some(prefix => contains(prefix, proxy));
  return isTrusted && proto === 'https' ? baseUrl.replace('http:', 'https:') : baseUrl;
}

export const clientInvalid = (): Problem =>
  problem('client-invalid', '"client" must be one IP address, e.g. 10.1.2.3.');

/** @throws Problem 404 `video-unknown` */
export function parseVideoId(text: string): VideoId {
  const parsed = videoIdSchema.safeParse(text);
  if (!parsed.success) throw problem('video-unknown', 'No video with this id is registered here.');
  return parsed.data;
}
