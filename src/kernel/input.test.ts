import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type InputWords, parseInput } from './input.ts';

const BODY: InputWords = { whole: 'The request body', field: 'field', object: 'an object' };

const errorsOf = (schema: z.ZodType, input: unknown, words: Partial<InputWords> = {}) => {
  const parsed = parseInput(schema, input, { ...BODY, ...words });
  return parsed.ok ? [] : parsed.errors;
};
const detailsOf = (schema: z.ZodType, input: unknown): readonly string[] =>
  errorsOf(schema, input).map(error => error.detail);

const of = (schema: z.ZodType) => z.strictObject({ value: schema });
const forms = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('video'), width: z.int() }),
  z.strictObject({ kind: z.literal('audio'), channels: z.int() }),
]);
const shapes = z.union([
  z.strictObject({ kind: z.literal('all') }),
  z.strictObject({ kind: z.literal('site'), site: z.string().min(1) }),
]);

/** One row for each kind of issue of the schema library, by the code of the issue. */
const KINDS: Readonly<Record<z.core.$ZodIssueCode, readonly (readonly [z.ZodType, unknown, string])[]>> = {
  invalid_type: [
    [z.string(), undefined, '`value` is required.'],
    [z.number(), 'x', '`value` must be a number, not text.'],
    [z.int(), 1.5, '`value` must be a whole number.'],
    [z.coerce.number(), 'many', '`value` must be a number.'],
    [z.boolean(), 'yes', '`value` must be true or false, not text.'],
    [z.array(z.string()), {}, '`value` must be a list, not an object.'],
    [z.strictObject({}), [], '`value` must be an object, not a list.'],
    [z.record(z.string(), z.number()), 3, '`value` must be an object, not a number.'],
    [z.tuple([z.string()]), 'x', '`value` must be a list, not text.'],
    [z.date(), '2026', '`value` must be a date, not text.'],
    [z.null(), 1, '`value` must be null, not a number.'],
    [z.never(), 1, '`value` must be absent.'],
    [z.url({ error: 'must be an http:// URL' }), undefined, '`value` is required.'],
    [z.string().optional().nonoptional(), undefined, '`value` is required.'],
    [z.string(), null, '`value` must be text, not null.'],
    [z.map(z.string(), z.string()), new Set(), '`value` must be an object, not a list.'],
  ],
  invalid_value: [
    [z.enum(['auto', 'always', 'never']), 'x', '`value` must be "auto", "always" or "never".'],
    [z.enum(['auto', 'never']), undefined, '`value` is required.'],
    [z.literal(2), 'x', '`value` must be 2.'],
    [z.literal(['a', null]), 'x', '`value` must be "a" or null.'],
  ],
  unrecognized_keys: [
    [
      z.strictObject({ size: z.int().optional() }),
      { sise: 1 },
      '`value` has an unknown field: `sise` (did you mean `size`?).',
    ],
    [
      z.strictObject({ bufferDisk: z.int().optional(), name: z.string().optional() }),
      { bufferdisc: 1, colour: 2 },
      '`value` has unknown fields: `bufferdisc` (did you mean `bufferDisk`?), `colour`.',
    ],
  ],
  too_small: [
    [z.string().min(1), '', '`value` must not be empty.'],
    [z.string().min(3), 'a', '`value` must have at least 3 characters.'],
    [z.string().length(1), '', '`value` must not be empty.'],
    [z.string().length(3), 'a', '`value` must have exactly 3 characters.'],
    [z.array(z.string()).min(1), [], '`value` must have at least 1 entry.'],
    [z.set(z.string()).min(2), new Set(), '`value` must have at least 2 entries.'],
    [z.number().min(1), 0, '`value` must be at least 1.'],
    [z.number().positive(), 0, '`value` must be greater than 0.'],
    [z.date().min(new Date(0)), new Date(-1), '`value` must not be before 1970-01-01T00:00:00.000Z.'],
    [z.tuple([z.string(), z.string()]), ['a'], '`value` must have at least 2 entries.'],
  ],
  too_big: [
    [z.string().max(2), 'abc', '`value` must have at most 2 characters.'],
    [z.array(z.string()).max(1), ['a', 'b'], '`value` must have at most 1 entry.'],
    [z.number().max(64), 65, '`value` must be at most 64.'],
    [z.number().lt(64), 64, '`value` must be less than 64.'],
    [z.date().max(new Date(0)), new Date(1), '`value` must not be after 1970-01-01T00:00:00.000Z.'],
    [z.file().max(1), new File(['abc'], 'f'), '`value` must have at most 1 byte.'],
  ],
  invalid_format: [
    [z.email(), 'x', '`value` must be an email address.'],
    [z.url(), 'x', '`value` must be a URL.'],
    [z.uuid(), 'x', '`value` must be a UUID.'],
    [z.iso.datetime(), 'x', '`value` must be a time such as 2026-01-31T12:00:00Z.'],
    [z.string().startsWith('a'), 'x', '`value` must start with "a".'],
    [z.string().endsWith('a'), 'x', '`value` must end with "a".'],
    [z.string().includes('a'), 'x', '`value` must contain "a".'],
    [z.string().regex(/^a$/), 'x', '`value` does not have the required form.'],
    [z.string().regex(/^a$/, 'must be the letter a'), 'x', '`value` must be the letter a.'],
    [z.ipv4(), 'x', '`value` must be an IPv4 address such as 192.0.2.7.'],
  ],
  not_multiple_of: [
    [z.number().multipleOf(5), 3, '`value` must be a multiple of 5.'],
    [z.number().multipleOf(1), 0.5, '`value` must be a whole number.'],
  ],
  invalid_union: [
    [z.union([z.string(), z.number()]), true, '`value` must be text or a number, not true or false.'],
    [z.union([z.string(), z.number()]), undefined, '`value` is required.'],
    [z.union([z.literal('none'), z.number()]), 'some', '`value` must be "none" or a number.'],
    [
      z.union([z.cidrv4(), z.cidrv6()]),
      'x',
      '`value` must be an IPv4 network such as 192.0.2.0/24 or an IPv6 network such as 2001:db8::/32.',
    ],
    [
      z.union([z.cidrv4(), z.cidrv6()]).describe('network prefix, e.g. 10.1.0.0/16'),
      'x',
      '`value` must be a network prefix, e.g. 10.1.0.0/16.',
    ],
    [forms, { kind: 'image' }, '`value.kind` must be "video" or "audio".'],
    [forms, {}, '`value.kind` is required.'],
    [shapes, {}, '`value.kind` is required.'],
    [
      z.xor([z.string(), z.literal('a')]),
      'a',
      '`value` matches several alternatives, but must match only one.',
    ],
  ],
  invalid_key: [
    [z.record(z.string().max(2), z.number()), { abc: 1 }, '`value.abc` is not a valid name for a field.'],
  ],
  invalid_element: [
    [z.map(z.object(), z.number()), new Map([[{}, 'x']]), '`value` must be a number, not text.'],
  ],
  custom: [
    [z.string().refine(() => false), 'x', '`value` is not valid.'],
    [z.string().refine(() => false, 'must rhyme'), 'x', '`value` must rhyme.'],
    [z.string().refine(() => false, 'It does not rhyme.'), 'x', '`value`: It does not rhyme.'],
    [z.custom<string>(() => false), 'x', '`value` is not valid.'],
  ],
};

describe.each(Object.entries(KINDS))('an error of kind %s', (code, rows) => {
  it.each(rows.map(([schema, input, expected]) => [expected, schema, input] as const))(
    'is: %s',
    (expected, schema, input) => {
      const [issue] = of(schema).safeParse({ value: input }).error?.issues ?? [];
      // A tuple reports its length and the type of the absent entry.
      expect(issue?.code).toBe(code);
      expect(detailsOf(of(schema), { value: input })[0]).toBe(expected);
    },
  );
});

describe('errors', () => {
  it('name nested fields and entries of lists', () => {
    const schema = z.strictObject({ ladder: z.array(z.strictObject({ lines: z.int().max(4_320) })) });
    expect(errorsOf(schema, { ladder: [{ lines: 1 }, { lines: 5_000 }] }, { prefix: 'site' })).toEqual([
      {
        field: 'site.ladder[1].lines',
        code: 'too-large',
        limit: 4_320,
        detail: '`site.ladder[1].lines` must be at most 4320.',
      },
    ]);
  });

  it.each([
    [forms, { kind: 'video' }, '`value.width` is required.'],
    [forms, 'x', '`value` must be an object, not text.'],
    [shapes, { kind: 'site', site: '' }, '`value.site` must not be empty.'],
    [shapes, { kind: 'all', site: 'x' }, '`value` has an unknown field: `site`.'],
    [z.map(z.string(), z.number()), new Map([['a', 'x']]), '`value.a` must be a number, not text.'],
  ])('%# name the alternative that was meant', (schema, value, expected) => {
    expect(detailsOf(of(schema), { value })).toEqual([expected]);
  });

  it('of the whole input name it', () => {
    expect(detailsOf(of(z.string()), undefined)).toEqual(['The request body is required.']);
    expect(detailsOf(of(z.string()), 'x')).toEqual(['The request body must be an object, not text.']);
    expect(detailsOf(of(z.string()), { value: 'x', valu: 1 })).toEqual([
      'The request body has an unknown field: `valu` (did you mean `value`?).',
    ]);
    expect(
      detailsOf(
        z.string().refine(() => false, 'It does not rhyme.'),
        'x',
      ),
    ).toEqual(['It does not rhyme.']);
  });

  it('are reported together, but not more than twenty', () => {
    const errors = detailsOf(
      z.array(z.string()),
      Array.from({ length: 25 }, () => 1),
    );
    expect(errors).toHaveLength(21);
    expect(errors[0]).toBe('`[0]` must be text, not a number.');
    expect(errors.at(-1)).toBe('There are 5 more errors.');
  });

  it('never repeat a value, and shorten long names', () => {
    const secret = 'a-secret-of-somebody';
    expect(
      JSON.stringify(
        errorsOf(z.strictObject({ a: z.int(), b: z.enum(['x']), c: z.email() }), {
          a: secret,
          b: secret,
          c: secret,
        }),
      ),
    ).not.toContain(secret);
    const [error] = errorsOf(z.strictObject({}), { ['x'.repeat(10_000)]: 1 });
    expect(error?.detail.length).toBeLessThan(200);
  });

  it('of a valid input are none', () => {
    expect(parseInput(of(z.string()), { value: 'x' }, BODY)).toEqual({ ok: true, data: { value: 'x' } });
  });
});
