/** Chooses the text for an error, by its code and never by its message. Pure. */
import type { InputError } from '../../protocol/base/input-error.ts';
import { isProblemCode, type ProblemCode } from '../../protocol/problems.ts';
import { ApiError, isClientErrorCode } from '../api/api-error.ts';
import type { Language } from './language.ts';
import { zhInputErrors } from './texts/zh-input-errors.ts';
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

/** Translates each error of an invalid request. What only the English text says is shown in English. */
function describeInputErrors(errors: readonly InputError[], language: Language): string {
  const texts = language === 'zh' ? zhInputErrors : undefined;
  return errors
    .map(error => {
      const format = texts && error.code !== 'other' ? texts[error.code] : undefined;
      return format ? format(error.field === '' ? '请求' : ` ${error.field} `, error).trim() : error.detail;
    })
    .join(' ');
}

/** Never empty: an error without any text is reported as an unexpected response. */
export function describeError(error: unknown, language: Language, texts: Texts): ErrorText {
  if (!(error instanceof ApiError)) return { text: error instanceof Error ? error.message : String(error) };
  const { errors, problems } = texts;
  if (error.status === 401) return { text: errors.unauthorised };
  if (error.code === 'unreadable' && error.status > 0) {
    return { text: `${errors.unreadable} (${error.status})` };
  }
  if (isClientErrorCode(error.code)) return { text: errors[error.code] };
  if (language !== 'en' && error.errors.length > 0) {
    return { text: describeInputErrors(error.errors, language) };
  }
  const described = describeProblem(error.code, error.message, language, problems);
  return described.text || described.detail ? described : { text: errors.unreadable };
}

/** The same as one string. */
export const formatError = (error: unknown, language: Language, texts: Texts): string => {
  const { text, detail } = describeError(error, language, texts);
  return [text, detail].filter(Boolean).join(' ');
};
