/** Reduces the state before and after a change to the members that differ, for entries of the audit log. */
import { canonicalJson } from '../../protocol/base/canonical.ts';
import type { AuditEvent } from '../../protocol/people/audit.ts';

type Members = Readonly<Record<string, unknown>>;

export function findDifferences(before: Members, after: Members): Pick<AuditEvent, 'before' | 'after'> {
  const names = Object.keys({ ...before, ...after }).filter(
    name => canonicalJson(before[name] ?? null) !== canonicalJson(after[name] ?? null),
  );
  const pick = (members: Members): AuditEvent['after'] =>
    JSON.parse(JSON.stringify(Object.fromEntries(names.map(name => [name, members[name] ?? null]))));
  return { before: pick(before), after: pick(after) };
}
