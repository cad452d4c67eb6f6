/**
 * A reason in words, with its JSON ready: most of an answer is reasons, and most of them stand in many answers. Pure.
 */
import type { Figures, Reason } from '../../protocol/tracker.ts';

export class Worded implements Reason {
  readonly code: Reason['code'];
  readonly text: string;
  readonly figures?: Figures;
  #json: string | undefined;
  #textJson: string | undefined;
  #leading: string | undefined;
  #following: string | undefined;

  constructor(code: Reason['code'], text: string, figures?: Figures) {
    this.code = code;
    this.text = text;
    if (figures) this.figures = figures;
  }

  /**
   * One whose text is in ASCII, with nothing in it that JSON would escape, and whose figures are numbers: spelled once, for one
   * answer. `figuresJson`: the same figures.
   */
  static plain(code: Reason['code'], text: string, figures: Figures, figuresJson: string): Worded {
    const said = new Worded(code, text, figures);
    said.#textJson = `"${text}"`;
    said.#json = `{"code":"${code}","text":"${text}","figures":${figuresJson}}`;
    said.#leading = `"${text}","reasons":[${said.#json}`;
    said.#following = `,${said.#json}`;
    return said;
  }

  get json(): string {
    this.#json ??= flat(this.#format());
    return this.#json;
  }

  #format(): string {
    const figures = this.figures ? `,"figures":${formatFigures(this.figures)}` : '';
    return `{"code":"${this.code}","text":${this.textJson}${figures}}`;
  }

  get textJson(): string {
    this.#textJson ??= asciiJson(this.text);
    return this.#textJson;
  }

  /** As the first of a source's reasons: the text alone, and then the beginning of their list. */
  get leading(): string {
    this.#leading ??= flat(`${this.textJson},"reasons":[${this.json}`);
    return this.#leading;
  }

  /** As a further one in a list. */
  get following(): string {
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
