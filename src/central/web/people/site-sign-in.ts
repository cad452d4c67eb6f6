/**
 * Signs a person in at a site who is signed in here: a one-time code travels with the browser to the base URL that operators
 * registered for the site. The code by itself is worthless: the site redeems it with a signed call and the verifier of that browser.
 */
import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Authority } from '../../../kernel/access/authority.ts';
import { ANONYMOUS } from '../../../kernel/access/authority.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { sha256Hex } from '../../../kernel/identity/keys.ts';
import { Problem, problem } from '../../../kernel/problem.ts';
import { siteSignInQuery } from '../../../protocol/people/statements.ts';
import { insertSignInCode } from '../../database/people/site-sessions.ts';
import { isSite } from '../../database/schema.ts';
import { findMember, isActive } from '../../database/sites.ts';
import { authorityOf, type CentralContext } from '../context/context.ts';

export function addSiteSignIn(app: HttpServer, context: CentralContext): void {
  const { db } = context;
  app.get(
    '/sign-in/site',
    {
      schema: {
        description:
          'Signs in at a site: redirects to the sign-in page, and then with a one-time code to the site.',
        querystring: siteSignInQuery,
      },
    },
    async (request, reply) => {
      const { site: id, challenge, return: path } = request.query;
      const site = await findMember(db, id);
      if (!site || !isSite(site) || site.joined_at === null) throw problem('site-unknown');
      if (!isActive(site)) throw problem('site-revoked');
      reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
      const { person, via, credential } = await authorityIfValid(request, context);
      if (!person || via !== 'session' || !credential) {
        return reply.redirect(`/sign-in?${new URLSearchParams({ continue: request.url })}`, 303);
      }
      const code = randomBytes(32).toString('base64url');
      await insertSignInCode(
        db,
        { codeHash: sha256Hex(code), challenge, site: site.id, person: person.id, session: credential.id },
        Date.now(),
      );
      const query = new URLSearchParams({ code, return: path });
      return reply.redirect(`${site.base_url}/sign-in/return?${query}`, 303);
    },
  );
}

/** A session that has ended is no error here: the person signs in again. */
const authorityIfValid = (request: FastifyRequest, context: CentralContext): Promise<Authority> =>
  authorityOf(request, context).catch(error => {
    if (error instanceof Problem && error.code === 'credential-invalid') return ANONYMOUS;
    throw error;
  });
