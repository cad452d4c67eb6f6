/**
 * Stores the properties that many videos share once: their renditions without the bitrates. A site that used a new
 * shape for each video could fill the memory, so beyond a limit a shape is stored with its video.
 */
import type { Rendition } from '../../protocol/media/media.ts';

export interface Shape {
  readonly renditions: readonly Rendition[];
  /** Set only while the video is growing. */
  readonly isGrowing?: true;
  readonly isPrivate?: true;
  readonly isInternal?: true;
  /** The times follow the rates. */
  readonly isScheduled?: true;
  readonly downloads?: 'source' | 'renditions';
}

const MAX_SHAPES = 50_000;

export class Shapes {
  /** Number 0 is reserved: the shape is stored with the video. */
  readonly #texts: string[] = [''];
  readonly #shapes: (Shape | undefined)[] = [undefined];
  readonly #numbers = new Map<string, number>();

  /** The number of a shape; 0 if it is not stored here. */
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
