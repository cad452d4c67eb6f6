/**
 * Recognises texts that samples and guides contain instead of a secret. Everybody knows such a text, so it must never be accepted
 * as a password or token.
 */

const PLACEHOLDERS = [
  // "replace-me-with-a-long-random-token", "change_me", "PASTE THE TOKEN", "insert-your-token"
  // Each begins a word, because random tokens contain short words by chance.
  /(?<![a-z0-9])(?:replace|change|paste|insert|enter|fill|put)[-_ ]*(?:me|this|it|in|with|the|your|a|here)(?![a-z])|changeme$/i,
  // "your-operator-token", "token-goes-here", "long-random-token", "placeholder", "dummy"
  /(?<![a-z])your[-_ ]|(?:^|[-_ ])here$|long[-_ ]random|placeholder|^(?:dummy|sample|example)(?![a-z])/i,
  // "…", "...", "<token>", "{{token}}", "${TOKEN}", "[token]"
  /…|\.\.\.|^<.*>$|^\{.*\}$|^\$|^\[.*\]$/,
];
/** A long text of so few different characters is no secret: "xxxxxxxxxxxxxxxx", "****************", "1212121212121212". */
const MIN_DIFFERENT_CHARACTERS = 5;
const LONG = 8;

export const isPlaceholder = (text: string): boolean =>
  PLACEHOLDERS.some(pattern => pattern.test(text)) ||
  (text.length >= LONG && new Set(text).size < MIN_DIFFERENT_CHARACTERS);
