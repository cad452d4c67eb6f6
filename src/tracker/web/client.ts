/** Who asks and for what: read once from a request, for every call to players. */
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { clientAddress, parseAddress } from '../../kernel/network.ts';
import { Problem } from '../../kernel/problem.ts';
import { type VideoId, videoIdSchema } from '../../protocol/ids.ts';
import type { TrackerConfig } from '../config.ts';

export const MAX_ADDRESS_CHARACTERS = 64;

export const clientQuery = z.object({ client: z.string().max(MAX_ADDRESS_CHARACTERS).optional() });

/**
 * The viewer's address: the one claimed where that is believed, else the socket's, or a trusted proxy's word for it.
 * @throws Problem 400 `client-invalid`.
 */
export function addressOf(
  request: Pick<IncomingMessage, 'headers' | 'socket'>,
  claimed: string | undefined,
  config: Pick<TrackerConfig, 'believeClientParameter' | 'trustedProxies'>,
): string {
  if (claimed !== undefined && config.believeClientParameter) {
    if (parseAddress(claimed)) return claimed;
    throw clientInvalid();
  }
  const forwarded = request.headers['x-forwarded-for'];
  return clientAddress(request.socket.remoteAddress ?? '', forwarded?.toString(), config.trustedProxies);
}

export const clientInvalid = (): Problem =>
  new Problem(400, 'client-invalid', '"client" must be one IP address, e.g. 10.1.2.3.');

export function parseVideoId(text: string): VideoId {
  const parsed = videoIdSchema.safeParse(text);
  if (!parsed.success) throw new Problem(404, 'video-unknown', 'No video of this id is registered here.');
  return parsed.data;
}
