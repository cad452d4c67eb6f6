/** One error in the input of a call or in a configuration, in a form that a page can translate. */

/** What is wrong with a value. `other`: only the English text says it. */
export type InputErrorCode =
  | 'required'
  | 'wrong-type'
  | 'not-one-of'
  | 'unknown-field'
  | 'empty'
  | 'too-short'
  | 'too-long'
  | 'too-few'
  | 'too-many'
  | 'too-small'
  | 'too-large'
  | 'malformed'
  | 'other';

/** A member of `errors` in a problem `request-invalid` (RFC 9457, section 3.2). */
export interface InputError {
  /** The name of the field, for example `ladder[0].lines`; empty for the input as a whole. */
  readonly field: string;
  readonly code: InputErrorCode;
  /** A sentence in English with the name of the field. */
  readonly detail: string;
  /** The limit that is exceeded. */
  readonly limit?: number;
  /** The permitted values, or the unknown fields. */
  readonly values?: readonly string[];
}
