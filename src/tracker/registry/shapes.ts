/**
 * What videos have in common, kept once: their renditions without the bit rates. A site that made up a new shape for each
 * of its videos would fill the memory, so beyond a limit a shape stays with its video.
 */
import type { Rendition } from '../../protocol/media/media.ts';

export interface Shape {
  readonly renditions: readonly Rendition[];
  /** Only while it is. */
  readonly isGrowing?: true;
  readonly isPrivate?: true;
}

const MAX_SHAPES = 50_000;

export class Shapes {
  /** The first is none: 0 says that the shape stands with the video. */
  readonly #texts: string[] = [''];
  readonly #shapes: (Shape | undefined)[] = [undefined];
  readonly #numbers = new Map<string, number>();

  /** 0 where it is not kept here. */
  numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    if (this.#texts.length > MAX_SHAPES) return 0;
    this.#numbers.set(text, this.#texts.length);
    this.#shapes.push(undefined);
    return this.#texts.push(text) - 1;
  }

  get(number: number): Shape {
    const shape = this.#shapes[number] ?? this.parse(this.#texts[number] ?? '');
    this.#shapes[number] = shape;
    return shape;
  }

  parse(text: string): Shape {
    return JSON.parse(text) as Shape;
  }

  get texts(): readonly string[] {
    return this.#texts.slice(1);
  }
}
