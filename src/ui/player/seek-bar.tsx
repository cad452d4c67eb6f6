/** A line of the whole film below the picture: what is where, shown while pointing, dragging or using the arrow keys. */
import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { formatClock } from '../i18n/format.ts';
import { useSpeech } from '../i18n/use-translation.tsx';
import { fetchStoryboard, findTile, type Tile } from './storyboard.ts';

interface ScrubberProps {
  readonly video: RefObject<HTMLVideoElement | null>;
  readonly storyboardUrl: string;
}

export function Scrubber({ video, storyboardUrl }: ScrubberProps) {
  const { t } = useSpeech();
  const tiles = useStoryboard(storyboardUrl);
  const { position, duration } = useTime(video);
  /** Where the person points, 0–1; undefined while they do not. */
  const [pointed, setPointed] = useState<number>();
  if (tiles.length === 0 || !(duration > 0)) return null;

  const partAt = (event: PointerEvent, element: HTMLElement): number => {
    const { left, width } = element.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / Math.max(1, width)));
  };
  const seek = (seconds: number): void => {
    if (video.current) video.current.currentTime = seconds;
  };
  const shownSeconds = pointed === undefined ? position : pointed * duration;
  const tile = pointed === undefined ? undefined : findTile(tiles, shownSeconds);
  return (
    <div class="scrubber" data-testid="scrubber">
      {tile && <Preview tile={tile} part={shownSeconds / duration} seconds={shownSeconds} />}
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
        onBlur={() => setPointed(undefined)}
        onPointerMove={event => setPointed(partAt(event, event.currentTarget))}
        onPointerLeave={() => setPointed(undefined)}
      />
    </div>
  );
}

function Preview({
  tile,
  part,
  seconds,
}: {
  readonly tile: Tile;
  readonly part: number;
  readonly seconds: number;
}) {
  return (
    <div
      class="scrubber-preview"
      data-testid="scrubber-preview"
      aria-hidden="true"
      style={{ left: `clamp(0px, calc(${part * 100}% - ${tile.width / 2}px), calc(100% - ${tile.width}px))` }}
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
    const abort = new AbortController();
    // Without it the film plays all the same.
    fetchStoryboard(url, abort.signal).then(setTiles, () => undefined);
    return () => abort.abort();
  }, [url]);
  return tiles;
}

function useTime(ref: RefObject<HTMLVideoElement | null>): {
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
