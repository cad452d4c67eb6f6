/** The renditions, audio tracks and captions of a video, and their names in menus. Pure. */
import { formatLanguageName } from '../i18n/language-name.ts';

export interface Track {
  /** The name in the playlist, unique among the tracks of its kind. */
  readonly name: string;
  readonly language: string | undefined;
}

export interface Tracks {
  readonly audioTracks: readonly Track[];
  readonly selectedAudio: number;
  readonly captions: readonly Track[];
  /** −1: captions are off. */
  readonly selectedCaptions: number;
}
export const NO_TRACKS: Tracks = {
  audioTracks: [],
  selectedAudio: -1,
  captions: [],
  selectedCaptions: -1,
};

/**
 * The language of a track in the language of the page, and the author's name for it. Undefined if it has neither.
 *
 * @param pageLanguage BCP 47 tag
 */
export function formatTrackName({ name, language }: Track, pageLanguage: string): string | undefined {
  // Playlists append a number to the author's name, so that no two names are equal. A name without a number is generated.
  const authorName = /^(.*) \(\d+\)$/.exec(name)?.[1];
  const languageName = language && formatLanguageName(language, pageLanguage);
  return authorName && languageName ? `${languageName} · ${authorName}` : (authorName ?? languageName);
}

export interface Quality {
  readonly height: number;
  readonly width: number;
  readonly bitrateBps: number;
}

export interface Qualities {
  readonly all: readonly Quality[];
  /** −1: the player chooses. */
  readonly selected: number;
  /** The one that plays; −1 before the first one. */
  readonly current: number;
}
export const NO_QUALITIES: Qualities = { all: [], selected: -1, current: -1 };

/** `720p`: the shorter side, as a portrait video has its lines on the other one. */
export const formatHeight = ({ height, width }: Pick<Quality, 'height' | 'width'>): string =>
  `${width > 0 ? Math.min(height, width) : height}p`;

/** The names in the menu, in the order of the list. Two renditions of one height differ by their bit rates. */
export function listQualityNames(
  all: readonly Quality[],
  formatBitrate: (bps: number) => string,
): readonly string[] {
  const heights = all.map(formatHeight);
  return all.map((quality, index) => {
    const height = heights[index] ?? '';
    const isUnique = heights.filter(other => other === height).length === 1;
    return isUnique ? height : `${height} · ${formatBitrate(quality.bitrateBps)}`;
  });
}

/** The captions whose language matches a BCP 47 tag best: the same tag, otherwise the same language. −1 if there are none. */
export function findCaptions(captions: readonly Track[], wanted: string): number {
  const tag = wanted.toLowerCase();
  const [base] = tag.split('-');
  const languages = captions.map(({ language }) => language?.toLowerCase());
  const exact = languages.indexOf(tag);
  return exact >= 0 ? exact : languages.findIndex(language => language?.split('-')[0] === base);
}
