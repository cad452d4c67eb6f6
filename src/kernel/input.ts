/**
 * Checks input against its schema, and words every error. Configurations, calls and responses of peers all use this module, so
 * that no text of the schema library reaches a person.
 *
 * The message of a schema is either a sentence ("The name is empty.") or a predicate in lower case without its subject
 * ("must have at least 16 characters"), to which the name of the field is added. Values are never repeated: they may be secret.
 */
import * as z from 'zod';
import type { InputError, InputErrorCode } from '../protocol/base/input-error.ts';
import { findNearest } from './nearest.ts';

/** The words for the parts of an input. */
export interface InputWords {
  /** The input as a whole, at the beginning of a sentence: "The request body". */
  readonly whole: string;
  /** A named value: "field" or "setting". */
  readonly field: string;
  /** A value that contains named values: "an object" or "a table". */
  readonly object: string;
  /** Precedes every name, for example the section of a configuration. */
  readonly prefix?: string;
}

export type ParsedInput<T> =
  | { readonly ok: true; readonly data: T }
  | { readonly ok: false; readonly errors: readonly InputError[] };

type Issue = z.core.$ZodIssue;
/** A statement about a value: "is required", "must be a number". */
interface Finding {
  readonly code: InputErrorCode;
  readonly text: string;
  readonly limit?: number;
  readonly values?: readonly string[];
}
interface Located {
  readonly path: readonly PropertyKey[];
  readonly finding: Finding;
}

/** More errors than these help nobody. */
const MAX_ERRORS = 20;
const MAX_NAMED_VALUES = 30;
const MAX_NAME_CHARACTERS = 60;

export function parseInput<T>(schema: z.ZodType<T>, input: unknown, words: InputWords): ParsedInput<T> {
  const fieldsOf = new Map<unknown, readonly string[]>();
  const parsed = schema.safeParse(input, {
    reportInput: true,
    // An empty message marks the errors that have no message in the schema, which are worded below.
    error: ({ code, inst, schema: owner, input: value }) => {
      if (code === 'unrecognized_keys' && inst instanceof z.core.$ZodObject)
        fieldsOf.set(value, Object.keys(inst._zod.def.shape));
      const described = owner ?? (inst instanceof z.core.$ZodType ? inst : undefined);
      const { description } = (described && z.globalRegistry.get(described)) ?? {};
      return description && value !== undefined && code !== 'unrecognized_keys'
        ? `must be ${/^an? /.test(description) ? '' : 'a '}${description}`
        : '';
    },
  });
  if (parsed.success) return { ok: true, data: parsed.data };
  const located = parsed.error.issues.flatMap(issue => locate(issue, { words, fieldsOf }));
  const errors = located.slice(0, MAX_ERRORS).map(({ path, finding }) => toError(path, finding, words));
  const more = located.length - errors.length;
  if (more > 0)
    errors.push({
      field: '',
      code: 'other',
      detail: `There ${more === 1 ? 'is 1 more error' : `are ${more} more errors`}.`,
    });
  return { ok: false, errors };
}

interface Context {
  readonly words: InputWords;
  readonly fieldsOf: ReadonlyMap<unknown, readonly string[]>;
}

/** A union and a map have issues inside an issue; any other issue is one finding. */
function locate(issue: Issue, context: Context): readonly Located[] {
  const under = (inner: readonly Issue[]): readonly Located[] =>
    inner.flatMap(one => locate({ ...one, path: [...issue.path, ...one.path] } as Issue, context));
  if (issue.message === '') {
    // The key of such an entry is an object, so it has no name.
    if (issue.code === 'invalid_element') return under(issue.issues);
    if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      return joinAlternatives(issue, context) ?? under(chooseBranch(issue.errors));
    }
  }
  return [{ path: issue.path, finding: find(issue, context) }];
}

/**
 * The branch of a union that the input was probably meant to match: the one with the right type and the right literals, and of
 * these the one with the fewest errors.
 */
function chooseBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  const penaltyOf = (issues: readonly Issue[]): number =>
    issues.reduce((sum, { code, path }) => {
      if (code === 'invalid_type' && path.length === 0) return sum + 1_000;
      return sum + (code === 'invalid_value' && path.length > 0 ? 100 : 1);
    }, 0);
  const [best = []] = [...branches].sort((a, b) => penaltyOf(a) - penaltyOf(b));
  return best;
}

/** One finding for a value of a simple type that may have several forms: "must be text or a number". */
function joinAlternatives(
  { errors, input, path }: z.core.$ZodIssueInvalidUnion,
  context: Context,
): readonly Located[] | undefined {
  const first = errors.flatMap(([issue, ...more]) =>
    issue && more.length === 0 && issue.path.length === 0 ? [find(issue, context)] : [],
  );
  if (first.length < errors.length || !first.every(({ text }) => /^(?:must be|is required)/.test(text)))
    return;
  if (input === undefined) return [{ path, finding: { code: 'required', text: 'is required' } }];
  const forms = [...new Set(first.map(({ text }) => text.replace(/^must be |, not .*$/g, '')))];
  const text = `must be ${joinWords(forms, 'or')}`;
  const isType = first.every(({ code }) => code === 'wrong-type');
  const given = isType ? `, not ${nounOf(typeOf(input), context.words)}` : '';
  return [{ path, finding: { code: isType ? 'wrong-type' : 'malformed', text: `${text}${given}` } }];
}

function find(issue: Issue, { words, fieldsOf }: Context): Finding {
  // The message of a schema is about a value, so it does not fit an absent one.
  if (issue.message !== '' && !isAbsent(issue)) return { code: 'other', text: issue.message };
  switch (issue.code) {
    case 'invalid_type':
      return findWrongType(issue, words);
    case 'invalid_value':
      return findOneOf(issue.values, issue.input);
    case 'unrecognized_keys':
      return findUnknown(issue.keys, fieldsOf.get(issue.input) ?? [], words);
    case 'too_small':
    case 'too_big':
      return findOutOfRange(issue);
    case 'not_multiple_of':
      return {
        code: 'malformed',
        text: issue.divisor === 1 ? 'must be a whole number' : `must be a multiple of ${issue.divisor}`,
      };
    case 'invalid_format':
      return { code: 'malformed', text: findFormat(issue) };
    case 'invalid_union':
      return findNoBranch(issue);
    case 'invalid_key':
      return { code: 'malformed', text: `is not a valid name for a ${words.field}` };
    case 'invalid_element':
    case 'custom':
      return { code: 'malformed', text: 'is not valid' };
  }
}

const isAbsent = ({ code, input }: Issue): boolean => code === 'invalid_type' && input === undefined;

const NOUNS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  bigint: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  set: 'a list',
  date: 'a date',
  null: 'null',
  nan: 'not a number',
  file: 'a file',
  function: 'a function',
  symbol: 'a symbol',
};

const nounOf = (type: string, words?: InputWords): string =>
  /^(?:object|record|map)$/.test(type) ? (words?.object ?? 'an object') : (NOUNS[type] ?? 'something else');

function typeOf(input: unknown): string {
  if (input === null) return 'null';
  if (Array.isArray(input)) return 'array';
  if (input instanceof Date) return 'date';
  if (input instanceof Set || input instanceof Map) return input instanceof Set ? 'set' : 'map';
  return Number.isNaN(input) ? 'nan' : typeof input;
}

function findWrongType({ expected, input }: z.core.$ZodIssueInvalidType, words: InputWords): Finding {
  if (expected === 'nonoptional' || input === undefined) return { code: 'required', text: 'is required' };
  if (/^(?:never|undefined|void)$/.test(expected)) return { code: 'unknown-field', text: 'must be absent' };
  const type = typeOf(input);
  const wanted = `must be ${nounOf(expected, words)}`;
  // Text that is no number arrives as NaN from the query of an address, and 1.5 is a number, but not a whole one.
  if (type === 'nan' || (type === 'number' && /int$/.test(expected)))
    return { code: 'wrong-type', text: wanted };
  return { code: 'wrong-type', text: `${wanted}, not ${nounOf(type, words)}` };
}

const show = (value: unknown): string => (typeof value === 'string' ? `"${value}"` : String(value));

function findOneOf(permitted: readonly unknown[], input: unknown): Finding {
  if (input === undefined) return { code: 'required', text: 'is required' };
  const values = permitted.slice(0, MAX_NAMED_VALUES).map(show);
  return { code: 'not-one-of', text: `must be ${joinWords(values, 'or')}`, values };
}

function findUnknown(keys: readonly string[], known: readonly string[], { field }: InputWords): Finding {
  const values = keys.slice(0, MAX_NAMED_VALUES).map(key => key.slice(0, MAX_NAME_CHARACTERS));
  const named = values.map(key => {
    const nearest = findNearest(key, known);
    return nearest === undefined ? `\`${key}\`` : `\`${key}\` (did you mean \`${nearest}\`?)`;
  });
  const text = `has ${keys.length === 1 ? 'an ' : ''}unknown ${field}${keys.length === 1 ? '' : 's'}: ${named.join(', ')}`;
  return { code: 'unknown-field', text, values };
}

function findOutOfRange(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): Finding {
  const isSmall = issue.code === 'too_small';
  const limit = Number(isSmall ? issue.minimum : issue.maximum);
  if (issue.origin === 'string' || issue.origin === 'file') {
    if (isSmall && limit === 1) return { code: 'empty', text: 'must not be empty' };
    const unit = issue.origin === 'file' ? 'byte' : 'character';
    return {
      code: isSmall ? 'too-short' : 'too-long',
      text: `must have ${boundOf(issue, limit)} ${plural(limit, unit)}`,
      limit,
    };
  }
  if (/^(?:array|set|map|tuple|record|object)$/.test(issue.origin)) {
    const text = `must have ${boundOf(issue, limit)} ${limit === 1 ? 'entry' : 'entries'}`;
    return { code: isSmall ? 'too-few' : 'too-many', text, limit };
  }
  const code = isSmall ? 'too-small' : 'too-large';
  if (issue.origin === 'date')
    return { code, text: `must not be ${isSmall ? 'before' : 'after'} ${new Date(limit).toISOString()}` };
  if (issue.inclusive === false)
    return { code, text: `must be ${isSmall ? 'greater' : 'less'} than ${limit}`, limit };
  return { code, text: `must be ${boundOf(issue, limit)}`, limit };
}

function boundOf(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig, limit: number): string {
  if ('exact' in issue && issue.exact) return `exactly ${limit}`;
  return `${issue.code === 'too_small' ? 'at least' : 'at most'} ${limit}`;
}

const plural = (count: number, noun: string): string => (count === 1 ? noun : `${noun}s`);

const FORMATS: Readonly<Record<string, string>> = {
  email: 'an email address',
  url: 'a URL',
  uuid: 'a UUID',
  guid: 'a UUID',
  datetime: 'a time such as 2026-01-31T12:00:00Z',
  date: 'a date such as 2026-01-31',
  time: 'a time such as 12:00:00',
  duration: 'a duration such as PT1H30M',
  ipv4: 'an IPv4 address such as 192.0.2.7',
  ipv6: 'an IPv6 address such as 2001:db8::7',
  cidrv4: 'an IPv4 network such as 192.0.2.0/24',
  cidrv6: 'an IPv6 network such as 2001:db8::/32',
  mac: 'a MAC address',
  base64: 'base64',
  base64url: 'base64url',
  hex: 'hexadecimal digits',
  hostname: 'a host name',
  e164: 'a telephone number such as +441632960000',
  jwt: 'a JSON Web Token',
  json_string: 'JSON',
  lowercase: 'lower case',
  uppercase: 'upper case',
};

function findFormat(issue: z.core.$ZodIssueInvalidStringFormat): string {
  const { prefix, suffix, includes } = issue as Partial<Record<'prefix' | 'suffix' | 'includes', string>>;
  if (prefix !== undefined) return `must start with "${prefix}"`;
  if (suffix !== undefined) return `must end with "${suffix}"`;
  if (includes !== undefined) return `must contain "${includes}"`;
  const noun = FORMATS[issue.format];
  return noun ? `must be ${noun}` : 'does not have the required form';
}

function findNoBranch(issue: z.core.$ZodIssueInvalidUnion): Finding {
  if ('matches' in issue)
    return { code: 'malformed', text: 'matches several alternatives, but must match only one' };
  const { discriminator, options, input } = issue;
  if (discriminator === undefined || options === undefined)
    return { code: 'malformed', text: 'is not valid' };
  return findOneOf(options, (input as Readonly<Record<string, unknown>> | undefined)?.[discriminator]);
}

function toError(path: readonly PropertyKey[], finding: Finding, words: InputWords): InputError {
  const { text, ...rest } = finding;
  const field = formatPath([...(words.prefix === undefined ? [] : [words.prefix]), ...path]);
  const subject = field === '' ? words.whole : `\`${field}\``;
  const isPredicate = /^[a-z]/.test(text);
  const sentence = isPredicate || field !== '' ? `${subject}${isPredicate ? ' ' : ': '}${text}` : text;
  return { field, ...rest, detail: /[.?!]$/.test(sentence) ? sentence : `${sentence}.` };
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map(key => (typeof key === 'number' ? `[${key}]` : `.${String(key).slice(0, MAX_NAME_CHARACTERS)}`))
    .join('')
    .replace(/^\./, '');
}

function joinWords(items: readonly string[], conjunction: string): string {
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} ${conjunction} ${last}`;
}

/** The errors as one text. */
export const formatErrors = (errors: readonly InputError[]): string =>
  errors.map(error => error.detail).join(' ');
