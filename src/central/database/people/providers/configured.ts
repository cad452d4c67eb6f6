/** The configured providers, in the database so that their roles count for every central, and only while they are configured. */
import type { OidcProvider } from '../../../config.ts';
import type { CentralDatabase } from '../../schema.ts';
import type { ConfiguredRole } from '../authority.ts';
import { lockPeople, notePeopleChanges } from '../changes.ts';

/**
 * Replaces the providers by those of the configuration. The people of a provider whose roles changed get new rights at once, also at
 * members.
 *
 * @returns true if something changed
 */
export function saveProviders(
  db: CentralDatabase,
  providers: readonly OidcProvider[],
  nowMs: number,
): Promise<boolean> {
  const wanted = new Map(
    providers.map(({ issuer, roles }) => [issuer, JSON.stringify(roles.map(toConfiguredRole))]),
  );
  return db.transaction().execute(async tx => {
    await lockPeople(tx);
    const stored = await tx.selectFrom('oidc_providers').selectAll().execute();
    const known = new Map(stored.map(({ issuer, roles }) => [issuer, roles]));
    const changed = [...new Set([...wanted.keys(), ...known.keys()])].filter(
      issuer => wanted.get(issuer) !== known.get(issuer),
    );
    if (changed.length === 0) return false;
    await tx.deleteFrom('oidc_providers').where('issuer', 'in', changed).execute();
    for (const issuer of changed) {
      const roles = wanted.get(issuer);
      if (roles !== undefined) await tx.insertInto('oidc_providers').values({ issuer, roles }).execute();
    }
    const people = await tx
      .selectFrom('identities')
      .select('person_id')
      .distinct()
      .where('issuer', 'in', changed)
      .execute();
    const changes = people.map(({ person_id }) => ({ person: person_id }));
    await notePeopleChanges(tx, changes, nowMs);
    return true;
  });
}

const toConfiguredRole = ({ group, role, site, series }: OidcProvider['roles'][number]): ConfiguredRole => ({
  group,
  role,
  scope: site !== undefined ? { site } : series !== undefined ? { series } : 'everything',
});
