/**
 * A reason as a sentence, with its JSON prepared: reasons make up most of a response, and most reasons occur in many
 * responses. Pure.
 */
import type { Figures, Reason } from '../../protocol/tracker.ts';

export class RenderedReason implements Reason {
  readonly code: Reason['code'];
  readonly text: string;
  readonly figures?: Figures;
  /** Set for a reason that is not cached. */
  readonly #figuresJson: string | undefined;
  #json: string | undefined;
  #leading: string | undefined;
  #following: string | undefined;

  constructor(code: Reason['code'], text: string, figures?: Figures, figuresJson?: string) {
    this.code = code;
    this.text = text;
    if (figures) this.figures = figures;
    this.#figuresJson = figuresJson;
  }

  /**
   * Makes a reason that occurs in few responses, without caching its JSON. `text` must be ASCII without characters that
   * JSON escapes. `figuresJson` must be the JSON of `figures`.
   */
  static once(code: Reason['code'], text: string, figures: Figures, figuresJson: string): RenderedReason {
    return new RenderedReason(code, text, figures, figuresJson);
  }

  get json(): string {
    if (this.#figuresJson !== undefined)
      return `{"code":"${this.code}","text":"${this.text}","figures":${this.#figuresJson}}`;
    this.#json ??= flatten(this.#format());
    return this.#json;
  }

  #format(): string {
    const figures = this.figures ? `,"figures":${formatFigures(this.figures)}` : '';
    return `{"code":"${this.code}","text":${asciiJson(this.text)}${figures}}`;
  }

  /** JSON as the first reason of a source: its text, followed by the start of the list of reasons. */
  get leading(): string {
    if (this.#figuresJson !== undefined) return `"${this.text}","reasons":[${this.json}`;
    this.#leading ??= flatten(`${asciiJson(this.text)},"reasons":[${this.json}`);
    return this.#leading;
  }

  /** JSON as a later element of the list. */
  get following(): string {
    if (this.#figuresJson !== undefined) return `,${this.json}`;
    this.#following ??= flatten(`,${this.json}`);
    return this.#following;
  }
}

function formatFigures(figures: Figures): string {
  let text = '';
  for (const [name, value] of Object.entries(figures)) {
    if (value === undefined) continue;
    text += `${text === '' ? '' : ','}"${name}":${typeof value === 'string' ? asciiJson(value) : value}`;
  }
  return `{${text}}`;
}

/**
 * Returns the same text as a flat string. The engine stores a concatenation as a tree and walks it again for each
 * string that contains it. A regular expression match flattens it.
 */
export function flatten(text: string): string {
  PLAIN.test(text);
  return text;
}

/** Formats a JSON string in ASCII: a text of such strings has as many bytes as characters. */
export const asciiJson = (text: string): string =>
  PLAIN.test(text) ? `"${text}"` : JSON.stringify(text).replace(NOT_ASCII, escapeUnit);
/** Text that JSON does not escape. */
const PLAIN = /^[ !#-[\]-~]*$/;
const NOT_ASCII = /[^\x20-\x7e]/g;
const escapeUnit = (each: string): string => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`;
