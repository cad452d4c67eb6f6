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

const MAX_UNKNOWN_MEMBERS = 64;
const MAX_UNKNOWN_BYTES = 16 * 1_024;
const MAX_DEPTH = 8;
const isShallow = (value: unknown, depth: number): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (depth > 0 && Object.values(value).every(member => isShallow(member, depth - 1)));

/**
 * An object of a record: like `canonicalObject`, but members that this version does not know are kept as they are, because parts
 * of different versions exchange records, and the hash is of all members. Their number, size and depth are limited. The type does
 * not mention them, so that code cannot depend on them.
 */
export function openObject<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = new Set(Object.keys(shape));
  return canonicalObject(shape)
    .catchall(z.unknown())
    .refine(value => {
      const unknown = Object.entries(value).filter(([name]) => !known.has(name));
      return (
        unknown.length <= MAX_UNKNOWN_MEMBERS &&
        isShallow(Object.fromEntries(unknown), MAX_DEPTH) &&
        JSON.stringify(unknown).length <= MAX_UNKNOWN_BYTES
      );
    }, 'has too many, too long or too deep members of a newer version') as unknown as ReturnType<
    typeof canonicalObject<Shape>
  >;
}
