/** Checks the values of the operator's fields. Pure. */
import { canonicalJson } from '../base/canonical.ts';
import type { VideoDetails } from '../publication/details.ts';
import type { Field } from './fields.ts';

export type FieldValues = NonNullable<VideoDetails['fields']>;

const MAX_LISTED = 10;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/**
 * Returns what is wrong with these values, as a sentence. A value that does not change is never wrong: the operator may have removed
 * the field, or the choice, since.
 */
export function findFieldProblem(
  fields: readonly Field[],
  values: FieldValues,
  before: FieldValues = {},
): string | undefined {
  for (const [name, value] of Object.entries(values)) {
    if (canonicalJson(before[name]) === canonicalJson(value)) continue;
    const field = fields.find(one => one.name === name);
    if (!field) return `There is no field "${name}". ${listNames(fields)}`;
    const expected = findExpected(field, value);
    if (expected !== undefined) return `The field "${name}" must be ${expected}.`;
  }
  return undefined;
}

/** The values after an edit: those of fields that are not declared any more stay, unless all are removed. */
export function editFieldValues(
  fields: readonly Field[],
  before: FieldValues,
  edit: FieldValues,
): FieldValues {
  const retired = Object.entries(before).filter(([name]) => !fields.some(field => field.name === name));
  return { ...Object.fromEntries(retired), ...edit };
}

const listNames = (fields: readonly Field[]): string =>
  fields.length === 0
    ? 'No fields are declared at central.'
    : `The fields are: ${fields.map(({ name }) => name).join(', ')}.`;

/** What the value should be, if it is something else. */
function findExpected({ type, values = [] }: Field, value: FieldValues[string]): string | undefined {
  const isChoice = (one: unknown): boolean => typeof one === 'string' && values.includes(one);
  const choices = `${values.slice(0, MAX_LISTED).join(', ')}${values.length > MAX_LISTED ? ', …' : ''}`;
  switch (type) {
    case 'text':
      return typeof value === 'string' ? undefined : 'a text';
    case 'number':
      return typeof value === 'number' ? undefined : 'a number';
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'true or false';
    case 'choice':
      return isChoice(value) ? undefined : `one of: ${choices}`;
    case 'choices':
      return Array.isArray(value) && value.every(isChoice) && new Set(value).size === value.length
        ? undefined
        : `a list of different values of: ${choices}`;
    case 'date':
      return typeof value === 'string' && isDate(value) ? undefined : 'a date such as 2026-11-30';
  }
}

function isDate(text: string): boolean {
  const ms = DATE.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}
