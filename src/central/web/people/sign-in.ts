/** Calls with which people sign in at central without a provider. */
import { requestAddress } from '../../../kernel/access/request-address.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import {
  demoSignInSchema,
  linkInfoSchema,
  linkInspectSchema,
  linkSignInSchema,
  signInOptionsSchema,
  signInSchema,
} from '../../../protocol/people/people.ts';
import { findRights } from '../../database/people/authority.ts';
import { rememberDevice } from '../../people/attempts.ts';
import { applyLink, inspectLink, localAccountsOff } from '../../people/links.ts';
import { checkPassword, signInFailed } from '../../people/local-sign-in.ts';
import { startSession } from '../../people/sessions.ts';
import type { CentralContext } from '../context/context.ts';

export function addSignInCalls(app: HttpServer, context: CentralContext): void {
  const { db, config } = context;

  app.get(
    '/api/sign-in',
    {
      schema: { description: 'Lists the ways to sign in.', response: { 200: signInOptionsSchema } },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      const demoPeople = [];
      for (const { id, role } of config.demoPeople) {
        const rights = await findRights(db, id);
        if (rights) demoPeople.push({ id, name: rights.person.name, role });
      }
      return {
        localAccounts: config.localAccounts,
        providers: config.oidc.map(({ name }) => ({ id: name, name })),
        demoPeople,
      };
    },
  );

  app.post(
    '/api/sign-in',
    {
      schema: {
        description: 'Signs in with an e-mail address and a password. The session is in a cookie.',
        body: signInSchema,
      },
    },
    async (request, reply) => {
      if (!config.localAccounts) throw localAccountsOff();
      const address = requestAddress(request.raw, config.trustedProxies);
      const { email, password } = request.body;
      const person = await checkPassword(context, request.raw, { email, password, address });
      if (!person) {
        context.audit.count({ who: { kind: 'nobody' }, from: address, action: 'sign-in.failure' });
        throw signInFailed();
      }
      await startSession(context, request, reply, { person: person.id, how: 'password' });
      if (person.email !== null) rememberDevice(context, reply, person.email);
      return reply.code(204).send();
    },
  );

  app.post(
    '/api/sign-in/link/inspect',
    {
      schema: {
        description: 'Returns what a one-time link is for, without using it.',
        body: linkInspectSchema,
        response: { 200: linkInfoSchema },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const link = await inspectLink(db, request.body.link);
      if (link.kind === 'administrator') return { kind: link.kind };
      const { name, email } = link.person;
      return { kind: link.kind, name, ...(email === null ? {} : { email }) };
    },
  );

  app.post(
    '/api/sign-in/link',
    {
      schema: {
        description: 'Uses a one-time link, and signs in.',
        body: linkSignInSchema,
      },
    },
    async (request, reply) => {
      const { link, ...given } = request.body;
      const from = requestAddress(request.raw, config.trustedProxies);
      const { kind, person } = await applyLink(context, { secret: link, from, ...given });
      await startSession(context, request, reply, { person: person.id, how: `${kind} link` });
      if (kind !== 'sign-in' && person.email !== null) rememberDevice(context, reply, person.email);
      return reply.code(204).send();
    },
  );

  app.post(
    '/api/sign-in/demo',
    {
      schema: { description: 'Signs in as one of the people of the demo.', body: demoSignInSchema },
    },
    async (request, reply) => {
      const { person } = request.body;
      if (!config.demoPeople.some(({ id }) => id === person)) throw problem('person-unknown');
      await startSession(context, request, reply, { person, how: 'demo' });
      return reply.code(204).send();
    },
  );
}
