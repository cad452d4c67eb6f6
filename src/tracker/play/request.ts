/** The request of a player that starts a video: the query and the HTTP client become one value. */

import * as z from 'zod';
import { siteIdSchema, type VideoId } from '../../protocol/base/ids.ts';
import {
  addressOf,
  type ClientRequest,
  clientQuery,
  type RawRequest,
  trackerUrlFor,
} from '../client/client.ts';
import { type CredentialsDeps, credentialsOf } from '../client/house-networks.ts';
import { type Player, readPlayer } from '../client/player.ts';
import type { Viewers } from '../client/viewers.ts';
import type { TrackerConfig } from '../config.ts';

export interface PlayRequest extends ClientRequest {
  readonly video: VideoId;
  /** The IP address of the client. */
  readonly address: string;
  readonly player: Player;
  /** The session to continue. */
  readonly sessionId: string | undefined;
}

export const playQuery = clientQuery.extend({
  /** The site that makes the request because it fills its buffer. */
  fill: siteIdSchema.optional(),
  session: z.string().max(64).optional(),
});
export type PlayQuery = z.infer<typeof playQuery>;

export interface PlayRequestDeps extends CredentialsDeps {
  readonly config: Pick<TrackerConfig, 'baseUrl' | 'hosts' | 'trustClientParameter' | 'trustedProxies'>;
  readonly viewers: Viewers;
}

/** `isMember`: the filling site has signed the request. @throws Problem 400 `client-invalid` */
export function readPlayRequest(
  raw: RawRequest,
  video: VideoId,
  { client: claimed, fill, session, grant, isMember }: PlayQuery & { readonly isMember?: boolean },
  deps: PlayRequestDeps,
): PlayRequest {
  const { config, viewers } = deps;
  const address = addressOf(raw, claimed, config);
  const credentials = credentialsOf(raw, address, grant, deps);
  return {
    video,
    address,
    player: readPlayer(raw),
    client: fill === undefined ? viewers.at(address) : viewers.filling(fill),
    claimedAddress: config.trustClientParameter ? claimed : undefined,
    credentials: isMember === undefined ? credentials : { ...credentials, isMember },
    trackerUrl: trackerUrlFor(raw, config),
    sessionId: session,
  };
}
