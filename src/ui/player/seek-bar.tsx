/** A seek bar below the video. It shows a preview while the person points, drags or uses the arrow keys. */
import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { formatClock } from '../i18n/format.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { fetchStoryboard, findTile, type Tile } from './storyboard.ts';

interface SeekBarProps {
  readonly video: RefObject<HTMLVideoElement | null>;
  readonly storyboardUrl: string;
}

export function SeekBar({ video, storyboardUrl }: SeekBarProps) {
  const { t } = useTranslation();
  const tiles = useStoryboard(storyboardUrl);
  const { position, duration } = usePosition(video);
  /** The pointed position as a fraction of the duration; undefined while nobody points. */
  const [pointed, setPointed] = useState<number>();
  /** The preview follows the position while somebody moves it with keys. */
  const [isKeyed, setKeyed] = useState(false);
  if (tiles.length === 0 || !(duration > 0)) return null;

  const fractionAt = (event: PointerEvent, element: HTMLElement): number => {
    const { left, width } = element.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / Math.max(1, width)));
  };
  const seek = (seconds: number): void => {
    if (video.current) video.current.currentTime = seconds;
  };
  const shownSeconds = pointed === undefined ? position : pointed * duration;
  const tile = pointed === undefined && !isKeyed ? undefined : findTile(tiles, shownSeconds);
  return (
    <div class="seek-bar" data-testid="seek-bar">
      {tile && <Preview tile={tile} fraction={shownSeconds / duration} seconds={shownSeconds} />}
      <input
        type="range"
        min={0}
        max={duration}
        step="any"
        value={position}
        aria-label={t.watch.seek}
        aria-valuetext={formatClock(position * 1_000)}
        onInput={event => {
          const seconds = event.currentTarget.valueAsNumber;
          setPointed(seconds / duration);
          seek(seconds);
        }}
        onChange={() => setPointed(undefined)}
        // The keys themselves are handled for the whole page (keyboard.ts).
        onKeyDown={event => setKeyed(event.key.startsWith('Arrow'))}
        onBlur={() => {
          setPointed(undefined);
          setKeyed(false);
        }}
        onPointerMove={event => setPointed(fractionAt(event, event.currentTarget))}
        onPointerLeave={() => setPointed(undefined)}
      />
    </div>
  );
}

interface PreviewProps {
  readonly tile: Tile;
  readonly fraction: number;
  readonly seconds: number;
}

function Preview({ tile, fraction, seconds }: PreviewProps) {
  const half = tile.width / 2;
  return (
    <div
      class="seek-preview"
      data-testid="seek-preview"
      aria-hidden="true"
      style={{ left: `clamp(0px, calc(${fraction * 100}% - ${half}px), calc(100% - ${tile.width}px))` }}
    >
      <div
        style={{
          width: `${tile.width}px`,
          height: `${tile.height}px`,
          backgroundImage: `url("${tile.sprite}")`,
          backgroundPosition: `-${tile.x}px -${tile.y}px`,
        }}
      />
      <span class="badge number">{formatClock(seconds * 1_000)}</span>
    </div>
  );
}

function useStoryboard(url: string): readonly Tile[] {
  const [tiles, setTiles] = useState<readonly Tile[]>([]);
  useEffect(() => {
    const control = new AbortController();
    // The video plays without its storyboard.
    fetchStoryboard(url, control.signal).then(setTiles, () => undefined);
    return () => control.abort();
  }, [url]);
  return tiles;
}

function usePosition(ref: RefObject<HTMLVideoElement | null>): {
  readonly position: number;
  readonly duration: number;
} {
  const [time, setTime] = useState({ position: 0, duration: 0 });
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    const read = (): void =>
      setTime({
        position: video.currentTime,
        duration: Number.isFinite(video.duration) ? video.duration : 0,
      });
    const events = ['timeupdate', 'seeking', 'durationchange', 'loadedmetadata'] as const;
    for (const name of events) video.addEventListener(name, read);
    read();
    return () => {
      for (const name of events) video.removeEventListener(name, read);
    };
  }, [ref]);
  return time;
}
