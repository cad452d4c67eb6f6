/** The groups of a person at a provider: each sign-in replaces what the same provider said before. */
import { newId } from '../../../../protocol/base/ids.ts';
import { nameSchema } from '../../../../protocol/base/text.ts';
import type { Account } from '../../../people/oidc/claims.ts';
import type { CentralTransaction } from '../../schema.ts';

interface MembershipInput {
  /** The id of the person. */
  readonly person: string;
  readonly account: Account;
  /** The name of the provider, which distinguishes groups with the same name. */
  readonly provider: string;
}

/** @returns the names of the groups before and after, or undefined if they are the same */
export async function replaceMemberships(
  tx: CentralTransaction,
  { person, account: { issuer, groups }, provider }: MembershipInput,
  nowMs: number,
): Promise<{ readonly before: readonly string[]; readonly after: readonly string[] } | undefined> {
  const before = await tx
    .selectFrom('group_members')
    .innerJoin('groups', 'groups.id', 'group_members.group_id')
    .select(['groups.id', 'groups.name', 'groups.claim'])
    .where('group_members.person_id', '=', person)
    .where('group_members.issuer', '=', issuer)
    .execute();
  const removed = before.filter(({ claim }) => claim === null || !groups.includes(claim));
  const added = groups.filter(group => !before.some(({ claim }) => claim === group));
  if (removed.length === 0 && added.length === 0) return undefined;
  if (removed.length > 0)
    await tx
      .deleteFrom('group_members')
      .where('person_id', '=', person)
      .where('issuer', '=', issuer)
      .where(
        'group_id',
        'in',
        removed.map(({ id }) => id),
      )
      .execute();
  const names: string[] = [];
  for (const claim of added) {
    const group = await findOrCreateGroup(tx, { issuer, claim, provider }, nowMs);
    await tx.insertInto('group_members').values({ group_id: group.id, person_id: person, issuer }).execute();
    names.push(group.name);
  }
  const kept = before.filter(group => !removed.includes(group)).map(({ name }) => name);
  return { before: before.map(({ name }) => name).sort(), after: [...kept, ...names].sort() };
}

interface GroupOfProvider {
  readonly issuer: string;
  readonly claim: string;
  readonly provider: string;
}

async function findOrCreateGroup(
  tx: CentralTransaction,
  { issuer, claim, provider }: GroupOfProvider,
  nowMs: number,
): Promise<{ readonly id: string; readonly name: string }> {
  const found = await tx
    .selectFrom('groups')
    .select(['id', 'name'])
    .where('issuer', '=', issuer)
    .where('claim', '=', claim)
    .executeTakeFirst();
  if (found) return found;
  const id = newId();
  const plain = nameSchema.parse(claim);
  const candidates = [plain, `${plain} (${provider})`, `${plain} (${id})`];
  const taken = await tx.selectFrom('groups').select('name').where('name', 'in', candidates).execute();
  const name = candidates.find(one => !taken.some(group => group.name === one)) ?? id;
  await tx
    .insertInto('groups')
    .values({ id, name, source: 'provider', issuer, claim, roles: '[]', created_at: nowMs })
    .execute();
  return { id, name };
}
