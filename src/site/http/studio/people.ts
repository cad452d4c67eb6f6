/** The people and groups that central knows, for the studio: to transfer a video, and to choose its audience. */

import type { IncomingMessage } from 'node:http';
import type { AccessGuard } from '../../../kernel/access/access.ts';
import type { HttpServer } from '../../../kernel/http/server.ts';
import type { CentralClient } from '../../../kernel/membership/central-client.ts';
import type { SiteId } from '../../../protocol/base/ids.ts';
import { type Action, isAllowedSomewhere } from '../../../protocol/people/decide.ts';
import { groupNamesSchema } from '../../../protocol/people/people.ts';
import { personLookupResponseSchema, personLookupSchema } from '../../../protocol/people/statements.ts';
import { findPerson, listGroups } from '../find-person.ts';

export interface PeopleDeps {
  readonly guard: AccessGuard;
  /** Undefined until this site has joined. */
  readonly siteId: () => SiteId | undefined;
  readonly central: () => CentralClient | undefined;
}

export function servePeople(app: HttpServer, { guard, siteId, central }: PeopleDeps): void {
  const requireSomewhere = async (request: IncomingMessage, action: Action): Promise<void> => {
    if (!isAllowedSomewhere(await guard.authorityOf(request), action))
      await guard.require(request, action, { site: siteId() });
  };

  app.get(
    '/api/group-names',
    {
      schema: {
        description: 'Returns the names of all groups, to choose the audience of a video.',
        response: { 200: groupNamesSchema },
      },
    },
    async request => {
      await requireSomewhere(request.raw, 'upload');
      return listGroups(central());
    },
  );

  app.post(
    '/api/people/lookup',
    {
      schema: {
        description: 'Finds a person by id or e-mail address, to transfer a video to them.',
        body: personLookupSchema,
        response: { 200: personLookupResponseSchema },
      },
    },
    async request => {
      await requireSomewhere(request.raw, 'edit');
      return findPerson(central(), request.body);
    },
  );
}
