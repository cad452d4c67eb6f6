/** Whether a person can sign in. */
import type { Person } from '../../protocol/people/people.ts';
import { useTranslation } from '../i18n/use-translation.tsx';

export function PersonStatus({ person }: { readonly person: Person }) {
  const { t, format } = useTranslation();
  const { status } = t.people;
  if (person.disabled) return <span class="state bad">{status.disabled}</span>;
  if (person.hasPassword || person.providers.length > 0 || person.signedInAt !== undefined)
    return <span class="state good">{status.active}</span>;
  return person.invitedUntil === undefined || Date.parse(person.invitedUntil) < Date.now() ? (
    <span class="state quiet">{status.expired}</span>
  ) : (
    <span class="state warn">{status.invited(format.date(person.invitedUntil))}</span>
  );
}
