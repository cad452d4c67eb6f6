/** Which sound and which captions: shown where there is something to choose. */
import { useId } from 'preact/hooks';
import { useSpeech } from '../i18n/use-translation.tsx';
import type { Track, Tracks } from './playback.ts';

interface TrackChoiceProps {
  readonly tracks: Tracks;
  readonly onSound: (index: number) => void;
  /** −1: none. */
  readonly onCaptions: (index: number) => void;
}

export function TrackChoice({ tracks, onSound, onCaptions }: TrackChoiceProps) {
  const { t, language } = useSpeech();
  const id = useId();
  const { sounds, sound, captions, captionsOn } = tracks;
  if (sounds.length < 2 && captions.length === 0) return null;
  const nameOf = (track: Track, index: number): string =>
    nameTrack(track, language) ?? t.watch.track(index + 1);
  return (
    <div class="row" data-testid="track-choice">
      {sounds.length > 1 && (
        <div class="field inline">
          <label for={`${id}-sound`}>{t.watch.audioTrack}</label>
          <select
            id={`${id}-sound`}
            data-testid="choose-sound"
            value={String(sound)}
            onChange={event => onSound(Number(event.currentTarget.value))}
          >
            {sounds.map((track, index) => (
              <option key={track.name} value={String(index)}>
                {nameOf(track, index)}
              </option>
            ))}
          </select>
        </div>
      )}
      {captions.length > 0 && (
        <div class="field inline">
          <label for={`${id}-captions`}>{t.watch.captions}</label>
          <select
            id={`${id}-captions`}
            data-testid="choose-captions"
            value={String(captionsOn)}
            onChange={event => onCaptions(Number(event.currentTarget.value))}
          >
            <option value="-1">{t.watch.noCaptions}</option>
            {captions.map((track, index) => (
              <option key={track.name} value={String(index)}>
                {nameOf(track, index)}
              </option>
            ))}
          </select>
        </div>
      )}
    </div>
  );
}

/** The author's name of a track, else its language in the person's own. */
export function nameTrack({ name, language }: Track, speech: string): string | undefined {
  // As playlists number them, so that no two are called the same.
  const own = /^(.*) \(\d+\)$/.exec(name)?.[1];
  const spoken = language && nameLanguage(language, speech);
  return own && spoken ? `${spoken} · ${own}` : (own ?? spoken);
}

function nameLanguage(tag: string, speech: string): string | undefined {
  try {
    return new Intl.DisplayNames([speech], { type: 'language' }).of(tag);
  } catch {
    return tag;
  }
}
