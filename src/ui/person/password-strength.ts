/** Rates a new password by its length, without parts that anyone would guess. Pure. */

export const MIN_PASSWORD_CHARACTERS = 10;
const STRENGTHS = ['too-short', 'weak', 'fair', 'good', 'strong'] as const;
export type Strength = (typeof STRENGTHS)[number];

/** What many people put into passwords counts as nothing. */
const GUESSED =
  /password|passwort|tributary|qwert[yz]|asdfgh|letmein|welcome|admin|(?:19|20)\d\d|(.)\1{2,}/gi;
const SEQUENCES = ['0123456789', 'abcdefghijklmnopqrstuvwxyz'];
const MIN_SEQUENCE = 4;
const MIN_DIFFERENT = 5;
const GOOD_CHARACTERS = 13;
const STRONG_CHARACTERS = 17;

/** @param personal the name and the e-mail address of the person */
export function ratePassword(password: string, personal: readonly string[]): Strength {
  const characters = [...password];
  if (characters.length < MIN_PASSWORD_CHARACTERS) return 'too-short';
  let rest = password.toLowerCase();
  for (const part of personal.flatMap(text => text.toLowerCase().split(/[^\p{L}\p{N}]+/u))) {
    if ([...part].length > 2) rest = rest.replaceAll(part, '');
  }
  rest = withoutSequences(rest.replace(GUESSED, ''));
  const length = [...rest].length;
  if (length < MIN_PASSWORD_CHARACTERS - 2 || new Set(rest).size < MIN_DIFFERENT) return 'weak';
  if (length < GOOD_CHARACTERS) return 'fair';
  return length < STRONG_CHARACTERS ? 'good' : 'strong';
}

/** For a meter from 0 to 4. */
export const strengthValue = (strength: Strength): number => STRENGTHS.indexOf(strength);

/** Removes `1234`, `dcba` and the like. */
function withoutSequences(text: string): string {
  let rest = text;
  for (const sequence of SEQUENCES.flatMap(each => [each, [...each].reverse().join('')])) {
    for (let length = sequence.length; length >= MIN_SEQUENCE; length--) {
      for (let start = 0; start + length <= sequence.length; start++) {
        rest = rest.replaceAll(sequence.slice(start, start + length), '');
      }
    }
  }
  return rest;
}
