/** Who makes this request, and signing out. */
import { describeMe } from '../../../kernel/access/authority.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { Problem } from '../../../kernel/problem.ts';
import { meSchema } from '../../../protocol/people/people.ts';
import { endSession } from '../../people/sessions.ts';
import { authorityOf, type CentralContext } from '../context/context.ts';

/** The cookie of a session that has ended is removed. Pages of other origins sign nobody out. */
function ignoreEnded(error: unknown): void {
  if (!(error instanceof Problem) || error.code !== 'credential-invalid') throw error;
}

export function addMeCalls(app: HttpServer, context: CentralContext): void {
  app.get(
    '/api/me',
    {
      schema: {
        description: 'Returns who makes this request, and what they may do.',
        response: { 200: meSchema },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return describeMe(await authorityOf(request, context));
    },
  );

  app.post(
    '/api/sign-out',
    { schema: { description: 'Ends this session, and the sessions at sites that were started from it.' } },
    async (request, reply) => {
      await authorityOf(request, context).catch(ignoreEnded);
      await endSession(context, request, reply);
      return reply.header('cache-control', 'no-store').code(204).send();
    },
  );
}
