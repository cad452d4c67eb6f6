/** Chooses the text for an error, by its code and never by its message. Pure. */
import type { InputError } from '../../protocol/base/input-error.ts';
import { isProblemCode, type ProblemCode } from '../../protocol/problems.ts';
import { ApiError, isClientErrorCode } from '../api/api-error.ts';
import type { Language } from './language.ts';
import { zhInputErrors } from './texts/zh/input-errors.ts';
import type { Texts } from './texts.ts';

export interface ErrorText {
  /** In the language of the page; undefined if only the server's English detail is known. */
  readonly text?: string;
  /** The server's detail of this occurrence, in English. */
  readonly detail?: string;
}

/** The detail of these problems adds nothing to the text of the page. */
const WITHOUT_DETAIL: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'video-unknown',
  'video-withdrawn',
  'no-source',
  'grant-expired',
  'grant-revoked',
  'sign-in-needed',
  'sign-in-failed',
  'link-invalid',
]);

/**
 * In English the server's detail is complete, so only the detail is shown. In other languages the translation of the code
 * precedes it. The detail of a code that this page does not know, from a proxy or a newer server, is shown unchanged.
 */
export function describeProblem(
  code: string | undefined,
  detail: string,
  language: Language,
  problems: Texts['problems'],
): ErrorText {
  if (!isProblemCode(code)) return detail === '' ? {} : { detail };
  if (detail === '' || WITHOUT_DETAIL.has(code)) return { text: problems[code] };
  return language === 'en' ? { detail } : { text: problems[code], detail };
}

/** The labels of the fields of a form, by the last name of the field in the call: `latitude` for `coordinates.latitude`. */
export type FieldLabels = Readonly<Record<string, string>>;

const labelOf = (field: string, labels: FieldLabels): string | undefined => {
  const name =
    field
      .replace(/\[\d+\]/g, '')
      .split('.')
      .at(-1) ?? '';
  return Object.hasOwn(labels, name) ? labels[name] : undefined;
};

/** Translates each error of an invalid request. What only the English text says is shown in English. */
function describeInputErrors(errors: readonly InputError[], language: Language, labels: FieldLabels): string {
  const texts = language === 'zh' ? zhInputErrors : undefined;
  return errors
    .map(error => {
      const { field, code, detail } = error;
      const label = labelOf(field, labels);
      const format = texts && code !== 'other' ? texts[code] : undefined;
      if (!format) return label === undefined ? detail : detail.replaceAll(`\`${field}\``, `"${label}"`);
      return format(field === '' ? '请求' : label === undefined ? ` ${field} ` : `“${label}”`, error).trim();
    })
    .join(' ');
}

/** Never empty: an error without any text is reported as an unexpected response. */
export function describeError(
  error: unknown,
  language: Language,
  texts: Texts,
  labels?: FieldLabels,
): ErrorText {
  if (!(error instanceof ApiError)) return { text: error instanceof Error ? error.message : String(error) };
  const { errors, problems } = texts;
  if (error.code === 'credential-invalid') return { text: errors.unauthorised };
  if (error.code === 'unreadable' && error.status > 0) {
    return { text: `${errors.unreadable} (${error.status})` };
  }
  if (isClientErrorCode(error.code)) return { text: errors[error.code] };
  if (error.errors.length > 0 && (language !== 'en' || labels)) {
    return { text: describeInputErrors(error.errors, language, labels ?? {}) };
  }
  const described = describeProblem(error.code, error.message, language, problems);
  return described.text || described.detail ? described : { text: errors.unreadable };
}

/** The same as one string. */
export const formatError = (error: unknown, language: Language, texts: Texts): string => {
  const { text, detail } = describeError(error, language, texts);
  return [text, detail].filter(Boolean).join(' ');
};
