/** Asks central for people and groups, whose names this site does not know. */
import type { CentralClient } from '../../kernel/membership/central-client.ts';
import { Problem, problem } from '../../kernel/problem.ts';
import { nameSchema } from '../../protocol/base/text.ts';
import { groupNamesSchema } from '../../protocol/people/people.ts';
import { type PersonLookup, personLookupResponseSchema } from '../../protocol/people/statements.ts';
import type { Owner } from '../../protocol/publication/record.ts';

/** @throws Problem 404 `person-unknown`; 503 `not-ready` while central cannot be reached */
export async function findPerson(central: CentralClient | undefined, lookup: PersonLookup): Promise<Owner> {
  const found = await askCentral(central, client =>
    client.call('/api/people/lookup', { body: lookup, response: personLookupResponseSchema }),
  );
  return { id: found.id, name: cleanName(found) };
}

/** @throws Problem 503 `not-ready` while central cannot be reached */
export const listGroups = (central: CentralClient | undefined) =>
  askCentral(central, client => client.call('/api/groups/names', { response: groupNamesSchema }));

/** The name of a person as records may contain it. */
export const cleanName = ({ id, name }: Owner): string => nameSchema.safeParse(name).data ?? id;

async function askCentral<T>(
  central: CentralClient | undefined,
  ask: (client: CentralClient) => Promise<T>,
): Promise<T> {
  if (!central) throw problem('not-joined', 'This site has not joined central, which knows the people.');
  try {
    return await ask(central);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) throw problem('person-unknown');
    throw problem(
      'not-ready',
      'Central, which knows the people, cannot be reached at the moment. Try again later.',
      {
        cause: error,
      },
    );
  }
}
