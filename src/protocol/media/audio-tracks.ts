/** Distinguishes the audio tracks of a video for both kinds of manifest: by their names, their purposes and their order. Pure. */
import type { AudioRendition } from './media.ts';

/** The purpose of a track: the title that its author gave it often says it. */
type AudioPurpose = 'commentary' | 'description';

export interface AudioTrack {
  readonly audio: AudioRendition;
  /** Unique among the tracks. */
  readonly name: string;
  /** The first track of its language that is neither a commentary nor a description: players may choose it by language. */
  readonly isMain: boolean;
  readonly purpose: AudioPurpose | undefined;
}

const PURPOSES: readonly (readonly [AudioPurpose, RegExp])[] = [
  ['description', /audio.?descri|described|descriptive|visual(ly)?.impaired|口述影像|音频描述/i],
  ['commentary', /comment(ary|aire)|kommentar|评论|解说|點評|解說/i],
];

/** Alternatives of one group, in the order of the playlist. */
export function listAudioTracks(audios: readonly AudioRendition[]): readonly AudioTrack[] {
  const languages = new Set<string | undefined>();
  return audios.map((audio, index) => {
    const purpose = PURPOSES.find(([, pattern]) => pattern.test(audio.name ?? ''))?.[0];
    const isMain = purpose === undefined && !languages.has(audio.language);
    if (isMain) languages.add(audio.language);
    return { audio, name: trackName(audio, index, 'Audio'), isMain, purpose };
  });
}

/** Makes names unique: NAME must be unique within the group (RFC 8216bis, section 4.4.6.1). */
export const trackName = (
  { name, language }: { readonly name?: string | undefined; readonly language?: string | undefined },
  index: number,
  otherwise: string,
): string => (name ? `${name} (${index + 1})` : `${language ?? otherwise} ${index + 1}`);
