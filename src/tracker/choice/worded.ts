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

  constructor(code: Reason['code'], text: string, figures?: Figures) {
    this.code = code;
    this.text = text;
    if (figures) this.figures = figures;
  }

  get json(): string {
    this.#json ??= this.#format();
    return this.#json;
  }

  #format(): string {
    const figures = this.figures ? `,"figures":${asciiJson(this.figures)}` : '';
    return `{"code":"${this.code}","text":${this.textJson}${figures}}`;
  }

  get textJson(): string {
    this.#textJson ??= asciiJson(this.text);
    return this.#textJson;
  }
}

/** JSON in ASCII alone: a text of such pieces has as many bytes as characters. */
export const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(NOT_ASCII, each => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
const NOT_ASCII = /[^\x20-\x7e]/g;
