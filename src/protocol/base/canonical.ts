/**
 * The canonical form of a record, which is hashed: members sorted by name, no white space, undefined members omitted (the JSON
 * Canonicalization Scheme, RFC 8785, for the strings, integers and plain numbers that records contain).
 */
import * as z from 'zod';

export const canonicalJson = (value: unknown): string =>
  isInOrder(value) ? JSON.stringify(value) : spellInOrder(value);

/** If the members are already in sorted order, JSON.stringify writes the same text much faster. */
function isInOrder(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isInOrder);
  const members = value as Readonly<Record<string, unknown>>;
  let before = '';
  for (const name in members) {
    if (name < before || !isInOrder(members[name])) return false;
    before = name;
  }
  return true;
}

function spellInOrder(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  let text = '';
  if (Array.isArray(value)) {
    for (const member of value) text += `${text === '' ? '' : ','}${spellInOrder(member)}`;
    return `[${text}]`;
  }
  const members = value as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(members).sort()) {
    const member = members[name];
    if (member === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${spellInOrder(member)}`;
  }
  return `{${text}}`;
}

/** A strict object schema. The members of a parsed value are in canonical order, whatever order they had in the input. */
export const canonicalObject = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(
    Object.fromEntries(Object.entries(shape).sort(([a], [b]) => (a < b ? -1 : 1))) as unknown as Shape,
  );
