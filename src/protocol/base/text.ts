/** Text that people type: normalised (NFC), trimmed, limited in length, and without control characters and bidi overrides. */
import * as z from 'zod';
import { MAX_DESCRIPTION_CHARACTERS, MAX_NAME_CHARACTERS } from './limits.ts';

// C0 and C1 controls, bidi embeddings, overrides and isolates. Only descriptions may contain tabs and line feeds.
// biome-ignore lint/suspicious/noControlCharactersInRegex: naming them is the purpose of this pattern
const FORBIDDEN_IN_LINE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: naming them is the purpose of this pattern
const FORBIDDEN_IN_TEXT = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u;

/**
 * Invisible characters that systems put into file names and copied texts: bidi marks, embeddings, overrides and isolates, byte order
 * marks and zero-width spaces. People can neither see nor remove them. Joiners stay, because scripts and emoji need them.
 */
const INVISIBLE = /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/gu;
/** Bidi marks in a longer text may be deliberate. */
const INVISIBLE_IN_TEXT = /[\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]/gu;
/** No-break and typographic spaces, which look like a space. The ideographic space does not. */
const SPACES = /[\u00a0\u1680\u2000-\u200a\u202f\u205f]/gu;

/** Counts characters rather than code units; a text never has more characters than code units. */
const isWithin = (text: string, max: number): boolean => text.length <= max || [...text].length <= max;

export const nameSchema = z
  .string()
  .transform(text => text.replaceAll(INVISIBLE, '').replaceAll(SPACES, ' ').normalize('NFC').trim())
  .refine(text => text.length > 0, 'The name is empty.')
  .refine(
    text => isWithin(text, MAX_NAME_CHARACTERS),
    `The name is too long. Use at most ${MAX_NAME_CHARACTERS} characters.`,
  )
  .refine(text => !FORBIDDEN_IN_LINE.test(text), 'The name contains a control character. Remove it.');

export const descriptionSchema = z
  .string()
  .transform(text => text.replaceAll(INVISIBLE_IN_TEXT, '').normalize('NFC').replaceAll('\r\n', '\n').trim())
  .refine(
    text => isWithin(text, MAX_DESCRIPTION_CHARACTERS),
    `The description is too long. Use at most ${MAX_DESCRIPTION_CHARACTERS} characters.`,
  )
  .refine(text => !FORBIDDEN_IN_TEXT.test(text), 'The description contains a control character. Remove it.');

/**
 * Text in records was cleaned when it was typed. Text that could display as something else is rejected; earlier versions kept some
 * invisible characters.
 */
/** One line of text in a record, of 1 to `max` characters. */
export const storedLineSchema = (max: number) =>
  z
    .string()
    .refine(
      text =>
        text !== '' &&
        text === text.normalize('NFC').trim() &&
        isWithin(text, max) &&
        !FORBIDDEN_IN_LINE.test(text),
      `must be one line of 1 to ${max} characters, without spaces at its ends`,
    );
/** One line that people type, cleaned. */
export const lineSchema = (max: number) =>
  z
    .string()
    .transform(text => text.replaceAll(INVISIBLE, '').replaceAll(SPACES, ' ').normalize('NFC').trim())
    .pipe(storedLineSchema(max));
export const storedNameSchema = storedLineSchema(MAX_NAME_CHARACTERS);
export const storedDescriptionSchema = z
  .string()
  .refine(
    text =>
      text === text.normalize('NFC').replaceAll('\r\n', '\n').trim() &&
      isWithin(text, MAX_DESCRIPTION_CHARACTERS) &&
      !FORBIDDEN_IN_TEXT.test(text),
    'must be a normalised description',
  );

/** A BCP 47 language tag, as in the `LANGUAGE` attribute of HLS (RFC 8216bis, section 4.4.6.1). */
export const languageSchema = z
  .string()
  .regex(
    /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}$/,
    'The language must be a BCP 47 tag such as "en" or "zh-Hans".',
  );

/** Folds spaces, full and half width (NFKC) and upper and lower case, without invisible characters: a search finds each spelling. */
export const normaliseForSearch = (text: string): string =>
  text.replaceAll(INVISIBLE, '').normalize('NFKC').toLowerCase();

/** Splits a query into words. A text matches if it contains all of them, at any position, because Chinese has no spaces. */
export const searchWords = (q: string | undefined): string[] =>
  normaliseForSearch(q ?? '')
    .split(/\s+/u)
    .filter(word => word !== '');
