/** Who asks and for what: read once from a request, for every call to players. */
import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import { clientAddress, contains, parseAddress, parseIpv4 } from '../../kernel/network.ts';
import { type Problem, problem } from '../../kernel/problem.ts';
import { siteIdSchema, type VideoId, videoIdSchema } from '../../protocol/ids.ts';
import type { TrackerConfig } from '../config.ts';

export const MAX_ADDRESS_CHARACTERS = 64;

/** What is read of a request. */
export interface Asking {
  readonly headers: IncomingMessage['headers'];
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** Longer than any grant. */
export const MAX_GRANT_CHARACTERS = 64;

export const clientQuery = z.object({
  client: z.string().max(MAX_ADDRESS_CHARACTERS).optional(),
  /** The right to a private video. */
  grant: z.string().max(MAX_GRANT_CHARACTERS).optional(),
});

/** Of a player that begins. */
export const playQuery = clientQuery.extend({
  /** The site that asks, because it wants to fill. */
  fill: siteIdSchema.optional(),
  /** The one that it was given before. */
  session: z.string().max(64).optional(),
});

/**
 * The viewer's address: the one claimed where that is believed, else the socket's, or a trusted proxy's word for it.
 * @throws Problem 400 `client-invalid`.
 */
export function addressOf(
  request: Asking,
  claimed: string | undefined,
  config: Pick<TrackerConfig, 'trustClientParameter' | 'trustedProxies'>,
): string {
  if (claimed !== undefined && config.trustClientParameter) {
    if (parseIpv4(claimed) !== undefined || parseAddress(claimed)) return claimed;
    throw clientInvalid();
  }
  const forwarded = request.headers['x-forwarded-for'];
  return clientAddress(request.socket.remoteAddress ?? '', forwarded?.toString(), config.trustedProxies);
}

/** What a viewer claims and shows, as a query of the addresses that it is given; empty where that is nothing. */
export function formatClaim(claimed: string | undefined, grant: string | undefined): string {
  const parts = listClaims(claimed, grant);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
export const listClaims = (claimed: string | undefined, grant: string | undefined): readonly string[] => [
  ...(claimed === undefined ? [] : [`client=${encodeURIComponent(claimed)}`]),
  ...(grant === undefined ? [] : [`grant=${encodeURIComponent(grant)}`]),
];

/** Who asks, and by which of the tracker's own addresses. */
export interface Caller {
  /** Of the viewer. */
  readonly address: string;
  /** The address that it claims, where that is believed. */
  readonly claimed: string | undefined;
  /** What it shows for a private video. */
  readonly grant?: string | undefined;
  readonly ownUrl: string;
}

/** @throws Problem 400 `client-invalid`. */
export function callerOf(
  request: Asking,
  claimed: string | undefined,
  config: Pick<TrackerConfig, 'baseUrl' | 'trustClientParameter' | 'trustedProxies'>,
  grant?: string | undefined,
): Caller {
  return {
    address: addressOf(request, claimed, config),
    claimed: config.trustClientParameter ? claimed : undefined,
    grant,
    ownUrl: ownUrlOf(request, config),
  };
}

/**
 * What a page got over HTTPS may not load over HTTP. Where a configured proxy says that the viewer came by HTTPS, the
 * tracker's addresses are of HTTPS, too.
 */
export function ownUrlOf(
  request: Asking,
  { baseUrl, trustedProxies }: Pick<TrackerConfig, 'baseUrl' | 'trustedProxies'>,
): string {
  if (trustedProxies.length === 0 || !baseUrl.startsWith('http:')) return baseUrl;
  const proto = request.headers['x-forwarded-proto']?.toString().split(',', 1)[0]?.trim();
  const proxy = parseAddress(request.socket.remoteAddress ?? '');
  const isTrusted = proxy !== undefined && trustedProxies.some(prefix => contains(prefix, proxy));
  return isTrusted && proto === 'https' ? baseUrl.replace('http:', 'https:') : baseUrl;
}

export const clientInvalid = (): Problem =>
  problem('client-invalid', '"client" must be one IP address, e.g. 10.1.2.3.');

export function parseVideoId(text: string): VideoId {
  const parsed = videoIdSchema.safeParse(text);
  if (!parsed.success) throw problem('video-unknown', 'No video of this id is registered here.');
  return parsed.data;
}
