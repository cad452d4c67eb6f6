/** The audio tracks and captions of a video, and their names in menus. Pure. */
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
