/** Whether anybody is operator of everything. */
import { isAllowed } from '../../../protocol/people/permissions.ts';
import type { CentralDatabase } from '../schema.ts';
import { findRights } from './authority.ts';

const OPERATOR = '%"operator"%';

/** True if a person who may sign in has the role operator for everything: assigned, through a group, or by the configuration. */
export async function hasOperator(db: CentralDatabase): Promise<boolean> {
  const candidates = await db
    .selectFrom('people')
    .select('id')
    .where('disabled', '=', 0)
    .where(({ eb, or, selectFrom }) =>
      or([
        eb('roles', 'like', OPERATOR),
        eb(
          'id',
          'in',
          selectFrom('group_members')
            .innerJoin('groups', 'groups.id', 'group_members.group_id')
            .select('group_members.person_id')
            .where('groups.roles', 'like', OPERATOR),
        ),
        eb(
          'id',
          'in',
          selectFrom('identities')
            .innerJoin('oidc_providers', 'oidc_providers.issuer', 'identities.issuer')
            .select('identities.person_id')
            .where('oidc_providers.roles', 'like', OPERATOR),
        ),
      ]),
    )
    // People with the role itself come first.
    .orderBy(({ case: when, eb }) =>
      when()
        .when(eb('roles', 'like', OPERATOR))
        .then(0)
        .else(1)
        .end(),
    )
    .execute();
  for (const { id } of candidates) {
    const rights = await findRights(db, id);
    if (rights && isAllowed(rights, 'everything', {})) return true;
  }
  return false;
}
