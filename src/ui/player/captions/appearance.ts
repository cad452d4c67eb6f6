/** How captions look, as the viewer chose it in this browser. The first value of each list is the default. */
import { readItem, writeItem } from '../../browser/storage.ts';

export const SIZES = ['normal', 'small', 'large', 'huge'] as const;
export const COLOURS = ['white', 'yellow', 'cyan', 'green', 'black'] as const;
export const BACKGROUNDS = ['dark', 'solid', 'light', 'none'] as const;

export interface Appearance {
  readonly size: (typeof SIZES)[number];
  readonly colour: (typeof COLOURS)[number];
  readonly background: (typeof BACKGROUNDS)[number];
}

const STORAGE_KEY = 'tributary.captions';
const CSS_SIZES: Readonly<Record<Appearance['size'], string>> = {
  small: '0.75em',
  normal: '1em',
  large: '1.5em',
  huge: '2em',
};
const CSS_COLOURS: Readonly<Record<Appearance['colour'], string>> = {
  white: '#fff',
  yellow: '#ffe45c',
  cyan: '#6fe8f5',
  green: '#7cf08a',
  black: '#000',
};
const CSS_BACKGROUNDS: Readonly<Record<Appearance['background'], string>> = {
  dark: 'rgb(0 0 0 / 75%)',
  solid: '#000',
  light: 'rgb(255 255 255 / 85%)',
  none: 'transparent',
};
/** Text without a background needs an outline to be readable on every picture. */
const outline = (colour: Appearance['colour']): string => {
  const edge = colour === 'black' ? '#fff' : '#000';
  return `0 0 3px ${edge}, 1px 1px 2px ${edge}, -1px -1px 2px ${edge}`;
};

export function formatCueStyle({ size, colour, background }: Appearance): string {
  const shadow = background === 'none' ? outline(colour) : 'none';
  return `video::cue { font-size: ${CSS_SIZES[size]}; color: ${CSS_COLOURS[colour]}; background-color: ${CSS_BACKGROUNDS[background]}; text-shadow: ${shadow}; }`;
}

const oneOf = <Value extends string>(values: readonly [Value, ...Value[]], given: unknown): Value =>
  values.find(value => value === given) ?? values[0];

/** Values of another version are replaced by the defaults. */
export function parseAppearance(text: string | null): Appearance {
  let given: Readonly<Record<string, unknown>> = {};
  try {
    given = Object(JSON.parse(text ?? '{}'));
  } catch {
    // The defaults apply.
  }
  return {
    size: oneOf(SIZES, given.size),
    colour: oneOf(COLOURS, given.colour),
    background: oneOf(BACKGROUNDS, given.background),
  };
}

export const readAppearance = (): Appearance => parseAppearance(readItem('localStorage', STORAGE_KEY));
export const writeAppearance = (appearance: Appearance): void =>
  writeItem('localStorage', STORAGE_KEY, JSON.stringify(appearance));

const LANGUAGE_KEY = 'tributary.captions-language';
/** The language in which the viewer last switched captions on; undefined if they are off. */
export const readCaptionsLanguage = (): string | undefined =>
  readItem('localStorage', LANGUAGE_KEY) ?? undefined;
export const writeCaptionsLanguage = (language: string | undefined): void =>
  writeItem('localStorage', LANGUAGE_KEY, language);
