/** Menus of audio tracks and captions. They are shown only if there is something to choose. */
import { useId } from 'preact/hooks';
import { useTranslation } from '../i18n/use-translation.tsx';
import { formatTrackName, type Track, type Tracks } from './tracks.ts';

interface TrackMenusProps {
  readonly tracks: Tracks;
  readonly onAudioTrack: (index: number) => void;
  /** −1 switches captions off. */
  readonly onCaptions: (index: number) => void;
}

export function TrackMenus({ tracks, onAudioTrack, onCaptions }: TrackMenusProps) {
  const { t } = useTranslation();
  const { audioTracks, selectedAudio, captions, selectedCaptions } = tracks;
  if (audioTracks.length < 2 && captions.length === 0) return null;
  return (
    <div class="row" data-testid="track-menus">
      {audioTracks.length > 1 && (
        <TrackMenu
          label={t.watch.audioTrack}
          testId="choose-audio"
          tracks={audioTracks}
          selected={selectedAudio}
          onSelect={onAudioTrack}
        />
      )}
      {captions.length > 0 && (
        <TrackMenu
          label={t.watch.captions}
          testId="choose-captions"
          tracks={captions}
          selected={selectedCaptions}
          onSelect={onCaptions}
          off={t.watch.noCaptions}
        />
      )}
    </div>
  );
}

interface TrackMenuProps {
  readonly label: string;
  readonly testId: string;
  readonly tracks: readonly Track[];
  readonly selected: number;
  readonly onSelect: (index: number) => void;
  /** The text of the choice −1, if there is one. */
  readonly off?: string;
}

function TrackMenu({ label, testId, tracks, selected, onSelect, off }: TrackMenuProps) {
  const { t, language } = useTranslation();
  const id = useId();
  return (
    <div class="field inline">
      <label for={id}>{label}</label>
      <select
        id={id}
        data-testid={testId}
        value={String(selected)}
        onChange={event => onSelect(Number(event.currentTarget.value))}
      >
        {off !== undefined && <option value="-1">{off}</option>}
        {tracks.map((track, index) => (
          <option key={track.name} value={String(index)}>
            {formatTrackName(track, language) ?? t.watch.track(index + 1)}
          </option>
        ))}
      </select>
    </div>
  );
}
