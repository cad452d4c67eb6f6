/** What an entry says about a change: the names of the members, each with its value before and after. Pure. */
import type { AuditEntry } from '../../protocol/people/audit.ts';

export interface Difference {
  /** Empty if the value is not an object. */
  readonly name: string;
  readonly before?: string;
  readonly after?: string;
}

type Value = AuditEntry['before'];

export function listDifferences({
  before,
  after,
}: Pick<AuditEntry, 'before' | 'after'>): readonly Difference[] {
  const [old, now] = [membersOf(before), membersOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].map(name => ({
    name,
    ...(old.has(name) ? { before: formatValue(old.get(name)) } : {}),
    ...(now.has(name) ? { after: formatValue(now.get(name)) } : {}),
  }));
}

function membersOf(value: Value): ReadonlyMap<string, unknown> {
  if (value === undefined) return new Map();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map([['', value]]);
  return new Map(Object.entries(value));
}

/** Text as it is; roles as `editor (everything)`; other values as JSON. */
function formatValue(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null) return '–';
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.map(formatValue).join(', ');
  if (isRole(value)) return `${value.role} (${formatScope(value.scope)})`;
  return JSON.stringify(value);
}

const isRole = (value: unknown): value is { readonly role: string; readonly scope: unknown } =>
  typeof value === 'object' && value !== null && 'role' in value && 'scope' in value;

const formatScope = (scope: unknown): string =>
  typeof scope === 'object' && scope !== null ? Object.entries(scope).flat().join(' ') : String(scope);
