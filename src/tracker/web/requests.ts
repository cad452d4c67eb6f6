/** What the tracker's calls read from a request, parsed once. Whatever comes from a viewer is hostile until it has passed here. */
import type { FastifyRequest } from 'fastify';
import { clientAddress, parseAddress } from '../../kernel/network.ts';
import { Problem } from '../../kernel/problem.ts';
import { type SiteId, siteIdSchema, type VideoId, videoIdSchema } from '../../protocol/ids.ts';
import type { TrackerConfig } from '../config.ts';

const MAX_CLIENT_CHARACTERS = 64;
const MAX_PATHWAYS = 32;

/** The one value of a query parameter. Undefined where it is missing or repeated. */
export function parameter(request: FastifyRequest, name: string): string | undefined {
  const query = request.query as Readonly<Record<string, unknown>>;
  const value = Object.hasOwn(query, name) ? query[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

const has = (request: FastifyRequest, name: string): boolean => Object.hasOwn(request.query as object, name);

export interface Client {
  /** IP address */
  readonly address: string;
  /** The same where the client said it itself: carried along in every address that it is given. */
  readonly said?: string;
}

type Believed = Pick<TrackerConfig, 'believeClientParameter' | 'trustedProxies'>;

/** The viewer's address as the network tells it. */
export const socketClient = (request: FastifyRequest, { trustedProxies }: Believed): Client => ({
  address: clientAddress(
    request.raw.socket.remoteAddress ?? '',
    request.raw.headers['x-forwarded-for'] as string | undefined,
    trustedProxies,
  ),
});

/** @throws Problem 400 `client-invalid` where `?client=` counts and is no IP address. */
export function readClient(request: FastifyRequest, config: Believed): Client {
  if (!config.believeClientParameter || !has(request, 'client')) return socketClient(request, config);
  const said = parameter(request, 'client') ?? '';
  if (said.length > MAX_CLIENT_CHARACTERS || !parseAddress(said)) {
    throw new Problem(400, 'client-invalid', 'The parameter client must be one IP address, e.g. 10.1.2.3.');
  }
  return { address: said, said };
}

/** For players that are steered: what cannot be read is passed over, because an error would cost them their steering. */
export function readClientLeniently(request: FastifyRequest, config: Believed): Client {
  try {
    return readClient(request, config);
  } catch {
    return socketClient(request, config);
  }
}

/** The site whose buffer asks (`?fill=`). @throws Problem 400 `fill-invalid` */
export function readAskingSite(request: FastifyRequest): SiteId | undefined {
  if (!has(request, 'fill')) return undefined;
  const parsed = siteIdSchema.safeParse(parameter(request, 'fill'));
  if (!parsed.success) {
    throw new Problem(400, 'fill-invalid', 'The parameter fill must be the id of the site that asks.');
  }
  return parsed.data;
}

/** Undefined where the text cannot be a video's id: then no video has it. */
export function parseVideoId(text: string): VideoId | undefined {
  const parsed = videoIdSchema.safeParse(text);
  return parsed.success ? parsed.data : undefined;
}

/** The pathways of a session, as `formatSteerUrl` wrote them. What is no site id is left out. */
export function readPathways(request: FastifyRequest): readonly SiteId[] {
  const text = parameter(request, 'pathways') ?? '';
  return text
    .slice(0, MAX_PATHWAYS * 37)
    .split('.')
    .map(id => siteIdSchema.safeParse(id))
    .flatMap(parsed => (parsed.success ? [parsed.data] : []));
}
