/**
 * A reason in words, with its JSON ready: most of an answer is reasons, and most of them stand in many answers. Pure.
 */
import type { Figures, Reason } from '../../protocol/tracker.ts';

export class Worded implements Reason {
  readonly code: Reason['code'];
  readonly text: string;
  readonly figures?: Figures;
  /** Of one that is said once. */
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
   * One that stands in few answers, so that nothing of it is kept. Its text is in ASCII, with nothing in it that JSON would
   * escape; `figuresJson` is the same figures.
   */
  static once(code: Reason['code'], text: string, figures: Figures, figuresJson: string): Worded {
    return new Worded(code, text, figures, figuresJson);
  }

  get json(): string {
    if (this.#figuresJson !== undefined)
      return `{"code":"${this.code}","text":"${this.text}","figures":${this.#figuresJson}}`;
    this.#json ??= flat(this.#format());
    return this.#json;
  }

  #format(): string {
    const figures = this.figures ? `,"figures":${formatFigures(this.figures)}` : '';
    return `{"code":"${this.code}","text":${asciiJson(this.text)}${figures}}`;
  }

  /** As the first of a source's reasons: the text alone, and then the beginning of their list. */
  get leading(): string {
    if (this.#figuresJson !== undefined) return `"${this.text}","reasons":[${this.json}`;
    this.#leading ??= flat(`${asciiJson(this.text)},"reasons":[${this.json}`);
    return this.#leading;
  }

  /** As a further one in a list. */
  get following(): string {
    if (this.#figuresJson !== undefined) return `,${this.json}`;
    this.#following ??= flat(`,${this.json}`);
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
 * The same text, in one piece: the engine keeps what was put together as a tree of its pieces, and walks it anew for each text
 * that it becomes part of. Looking for a pattern makes it one.
 */
export function flat(text: string): string {
  PLAIN.test(text);
  return text;
}

/** A JSON string in ASCII alone: a text of such pieces has as many bytes as characters. */
export const asciiJson = (text: string): string =>
  PLAIN.test(text) ? `"${text}"` : JSON.stringify(text).replace(NOT_ASCII, escapeUnit);
/** What stands in JSON as it is. */
const PLAIN = /^[ !#-[\]-~]*$/;
const NOT_ASCII = /[^\x20-\x7e]/g;
const escapeUnit = (each: string): string => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`;
