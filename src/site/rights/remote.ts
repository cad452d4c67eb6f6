/** For a buffer that runs apart: web follows the rights and has the key, the buffer asks web (operator token). */
import * as z from 'zod';
import { type HttpServer, requireToken } from '../../kernel/http/server.ts';
import { type RightsState, rightsContentSchema } from '../../kernel/rights/rights-state.ts';
import { type VideoId, videoIdSchema } from '../../protocol/ids.ts';
import { type HolderResponse, holderResponseSchema } from '../delivery/fill/holders.ts';

export const RIGHTS_PATH = '/parts/rights';
export const HOLDERS_PATH = '/parts/holders';

/** `book` is absent where it is the one that the asker has already. */
export const remoteRightsSchema = z.strictObject({
  /** Of this start of web. */
  start: z.string(),
  version: z.int().nonnegative(),
  book: rightsContentSchema.optional(),
});

export function serveRemoteRights(
  app: HttpServer,
  options: {
    readonly book: RightsState;
    readonly start: string;
    readonly operatorToken: string;
    readonly fetchHoldersSigned: (video: VideoId) => Promise<HolderResponse>;
  },
): void {
  const { book, start, operatorToken } = options;
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
      const { version } = book;
      const isKnown = request.query.known === `${start} ${version}`;
      return { start, version, ...(isKnown ? {} : { book: book.content() }) };
    },
  );
  app.get(
    `${HOLDERS_PATH}/:video`,
    {
      schema: {
        hide: true,
        params: z.object({ video: videoIdSchema }),
        response: { 200: holderResponseSchema },
      },
    },
    request => {
      requireToken(request, operatorToken);
      return options.fetchHoldersSigned(request.params.video);
    },
  );
}
