/**
 * Rights for a buffer in its own process. Web follows the rights of central and has the site's key; the buffer fetches both
 * from web, with the operator token.
 */
import * as z from 'zod';
import { requireToken } from '../../kernel/http/operator-token.ts';
import type { HttpServer } from '../../kernel/http/server.ts';
import {
  type RightsContent,
  type RightsState,
  rightsContentSchema,
} from '../../kernel/rights/rights-state.ts';
import { type VideoId, videoIdSchema } from '../../protocol/base/ids.ts';
import { grantIdSchema } from '../../protocol/rights.ts';
import { type UpstreamResponse, upstreamResponseSchema } from '../delivery/delivery.ts';
import type { ViewerTokens } from './viewer-tokens.ts';

export const RIGHTS_PATH = '/parts/rights';
export const UPSTREAMS_PATH = '/parts/upstreams';
export const WATCHES_PATH = '/parts/watches';

export const remoteRightsSchema = z.strictObject({
  /** Identifies this start of web. */
  start: z.string(),
  /** Counts the changes of the rights in this start. */
  version: z.int().nonnegative(),
  /** Absent if the caller has this version already. */
  content: rightsContentSchema.optional(),
});
export type RemoteRights = z.infer<typeof remoteRightsSchema>;

/** The value of `known` in a request for rights, after this response. */
export const knownVersion = ({ start, version }: RemoteRights): string => `${start} ${version}`;

/** Somebody watches a video that is not public with a token of this site. */
const watchSchema = z.strictObject({ video: videoIdSchema, subject: grantIdSchema });
export type Watch = z.infer<typeof watchSchema>;

export interface RemoteRightsDeps {
  readonly state: RightsState;
  readonly start: string;
  readonly operatorToken: string;
  readonly fetchUpstreamsSigned: (video: VideoId) => Promise<UpstreamResponse>;
  readonly noteWatch: ViewerTokens['noteWatch'];
}

export function serveRemoteRights(app: HttpServer, deps: RemoteRightsDeps): void {
  const { state, start, operatorToken } = deps;
  app.get(
    RIGHTS_PATH,
    {
      schema: {
        hide: true,
        querystring: z.object({ known: z.string().max(100).default('') }),
        response: { 200: remoteRightsSchema },
      },
    },
    request => {
      requireToken(request, operatorToken);
      const current = { start, version: state.version };
      const isKnown = request.query.known === knownVersion(current);
      return { ...current, ...(isKnown ? {} : { content: state.content() }) };
    },
  );
  app.get(
    `${UPSTREAMS_PATH}/:video`,
    {
      schema: {
        hide: true,
        params: z.object({ video: videoIdSchema }),
        response: { 200: upstreamResponseSchema },
      },
    },
    request => {
      requireToken(request, operatorToken);
      return deps.fetchUpstreamsSigned(request.params.video);
    },
  );
  app.post(WATCHES_PATH, { schema: { hide: true, body: watchSchema } }, async (request, reply) => {
    requireToken(request, operatorToken);
    deps.noteWatch(request.body.video, request.body.subject);
    return reply.code(204).send();
  });
}

/**
 * Replaces the buffer's rights with those of web. A video that a tracker has reported to this buffer as private stays
 * private until central decides, because web does not know of that report.
 */
export async function applyRemoteRights(state: RightsState, fetched: RightsContent): Promise<void> {
  const { tracker, central } = state.content();
  const decided = new Set([...central, ...fetched.central]);
  const isOlder = fetched.position < state.position;
  state.restore({
    ...fetched,
    central: isOlder ? [...new Set([...fetched.central, ...central])] : fetched.central,
    tracker: [...new Set([...fetched.tracker, ...tracker.filter(video => !decided.has(video))])],
  });
  await state.save();
}
