/** Calls for the sessions of a person, and for the password. */
import * as z from 'zod';
import { requestAddress } from '../../../kernel/access/request-address.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import {
  credentialIdSchema,
  passwordChangeSchema,
  personIdSchema,
  sessionListSchema,
} from '../../../protocol/people/people.ts';
import { deleteLinks } from '../../database/people/links.ts';
import { updatePerson } from '../../database/people/people.ts';
import { endSessions, listSessions } from '../../database/people/sessions.ts';
import { changePeople } from '../../people/change.ts';
import { localAccountsOff } from '../../people/links.ts';
import { checkPassword } from '../../people/local-sign-in.ts';
import { hashPassword, requireGoodPassword } from '../../people/passwords.ts';
import { refused } from '../../people/rules.ts';
import { audit } from '../context/audit.ts';
import { type CentralContext, formatTime } from '../context/context.ts';
import { ofPerson, requireAccount } from './target.ts';

const ofSession = z.object({ id: personIdSchema, session: credentialIdSchema });

export function addSessionCalls(app: HttpServer, context: CentralContext): void {
  const { db, config } = context;

  app.get(
    '/api/people/:id/sessions',
    { schema: { params: ofPerson, response: { 200: sessionListSchema } } },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const { id } = request.params;
      const { authority } = await requireAccount(request, context, id);
      const rows = await listSessions(db, { person: id, idleMs: config.sessionIdle }, Date.now());
      return {
        sessions: rows.map(row => ({
          id: row.id,
          ...(row.site_id === null ? {} : { site: { id: row.site_id, name: row.site_name ?? '' } }),
          createdAt: formatTime(Number(row.created_at)),
          lastUsedAt: formatTime(Number(row.last_used_at)),
          expiresAt: formatTime(Number(row.expires_at)),
          ...(row.from_address === null ? {} : { from: row.from_address }),
          ...(row.user_agent === null ? {} : { userAgent: row.user_agent }),
          current: row.id === authority.credential?.id,
        })),
      };
    },
  );

  app.delete(
    '/api/people/:id/sessions/:session',
    {
      schema: {
        description: 'Ends a session, and the sessions at sites that were started from it.',
        params: ofSession,
      },
    },
    async (request, reply) => {
      const { id, session } = request.params;
      await requireAccount(request, context, id);
      await changePeople(context, async (tx, nowMs) => {
        const ended = await endSessions(tx, { ids: [session], of: id }, nowMs);
        if (ended.length === 0) throw problem('credential-unknown');
        const before = { person: id };
        await audit(request, context, { action: 'session.revoke', object: `session:${session}`, before }, tx);
      });
      return reply.code(204).send();
    },
  );

  app.delete(
    '/api/people/:id/sessions',
    { schema: { description: 'Ends all sessions of a person, at central and at sites.', params: ofPerson } },
    async (request, reply) => {
      const { id } = request.params;
      await requireAccount(request, context, id);
      await changePeople(context, async (tx, nowMs) => {
        const { length: sessions } = await endSessions(tx, { person: id }, nowMs);
        const object = `person:${id}`;
        await audit(request, context, { action: 'session.revoke', object, before: { sessions } }, tx);
      });
      return reply.code(204).send();
    },
  );

  app.post(
    '/api/people/:id/password',
    {
      schema: {
        description: 'Changes one’s own password, and ends all other sessions.',
        params: ofPerson,
        body: passwordChangeSchema,
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const authority = await context.guard.authorityOf(request.raw);
      if (authority.person?.id !== id)
        throw refused('Only the person changes this password. Make a link for the person.', 'everything');
      if (!config.localAccounts) throw localAccountsOff();
      const { current, password } = request.body;
      const { email = '', name } = authority.person;
      const address = requestAddress(request.raw, config.trustedProxies);
      const person = await checkPassword(context, request.raw, { email, password: current, address });
      if (person?.id !== id) throw problem('password-wrong');
      requireGoodPassword(password, { name, email });
      const hash = await hashPassword(password);
      await changePeople(context, async (tx, nowMs) => {
        await updatePerson(tx, person, { password: hash });
        await deleteLinks(tx, id);
        await endSessions(tx, { person: id, except: authority.credential?.id }, nowMs);
        const object = `person:${id}`;
        await audit(request, context, { action: 'person.edit', object, after: { password: 'changed' } }, tx);
      });
      return reply.code(204).send();
    },
  );
}
