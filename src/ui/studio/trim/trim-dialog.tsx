/** Sets the two marks of a trim on a timeline, plays the part between them, and saves. */
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Pictures } from '../../../protocol/media/media.ts';
import { MULTIVARIANT_PLAYLIST, STORYBOARD } from '../../../protocol/media/media-address.ts';
import type { SiteVideo } from '../../../protocol/site.ts';
import { useAction } from '../../api/use-action.ts';
import { Dialog } from '../../components/dialog.tsx';
import { ErrorText } from '../../components/notice.tsx';
import { formatClock } from '../../i18n/format.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { Player } from '../../player/player.tsx';
import type { PlayerControls } from '../../player/player-props.ts';
import { fetchStoryboard, findTile, type Tile } from '../../player/storyboard.ts';
import { formatCueTime, parseCueTime } from '../captions/editor/cue-times.ts';
import { type Limits, type Marks, moveEnd, moveStart, readFrameMs } from './marks.ts';

export interface TrimCalls {
  readonly trim: (marks: Marks | { readonly whole: true }) => Promise<void>;
}

interface TrimDialogProps {
  readonly video: SiteVideo;
  /** URL of the revision, ending in `/`. */
  readonly revisionUrl: string;
  readonly pictures: Pictures;
  readonly calls: TrimCalls;
  readonly onClose: () => void;
}

export function TrimDialog({ video, revisionUrl, pictures, calls, onClose }: TrimDialogProps) {
  const { t } = useTranslation();
  const durationMs = video.durationMs ?? 0;
  const limits: Limits = { durationMs, frameMs: useFrameMs(revisionUrl) };
  const [marks, setMarks] = useState<Marks>({ startMs: 0, endMs: durationMs });
  const controls = useRef<PlayerControls | undefined>(undefined);
  const [isPreview, setPreview] = useState(false);
  const { isRunning, error, run } = useAction();
  const save = async (change: Parameters<TrimCalls['trim']>[0]): Promise<void> => {
    if (await run(() => calls.trim(change))) onClose();
  };
  const change = (next: Marks): void => {
    setPreview(false);
    controls.current?.pause();
    controls.current?.seek(next.startMs === marks.startMs ? next.endMs - limits.frameMs : next.startMs);
    setMarks(next);
  };
  const onTime = (ms: number): void => {
    if (!isPreview || ms < marks.endMs - limits.frameMs / 2) return;
    setPreview(false);
    controls.current?.pause();
  };
  const preview = (): void => {
    setPreview(true);
    controls.current?.seek(marks.startMs);
    controls.current?.play();
  };
  const isUnchanged = marks.startMs === 0 && marks.endMs === durationMs;
  return (
    <Dialog title={t.trim.title(video.name)} onClose={onClose} wide testId="trim-dialog">
      <p class="quiet">{t.trim.explain}</p>
      <Player
        url={revisionUrl + MULTIVARIANT_PLAYLIST}
        revisionUrl={revisionUrl}
        pictures={pictures}
        name={video.name}
        durationMs={durationMs}
        autoplay={false}
        controls={controls}
        onTime={onTime}
      />
      <Timeline marks={marks} limits={limits} storyboard={pictures.storyboard ? revisionUrl : undefined} />
      <div class="trim-fields">
        <MarkField
          label={t.trim.start}
          ms={marks.startMs}
          limits={limits}
          onMove={ms => change(moveStart(marks, ms, limits))}
          here={t.trim.startHere}
          currentMs={() => controls.current?.currentMs() ?? 0}
        />
        <MarkField
          label={t.trim.end}
          ms={marks.endMs}
          limits={limits}
          onMove={ms => change(moveEnd(marks, ms, limits))}
          here={t.trim.endHere}
          currentMs={() => controls.current?.currentMs() ?? 0}
        />
      </div>
      <p role="status" data-testid="trim-length">
        {isRunning
          ? t.trim.saving
          : t.trim.length(formatClock(marks.endMs - marks.startMs), formatClock(durationMs))}
      </p>
      <ErrorText error={error} />
      <div class="actions actions-end">
        <button type="button" onClick={preview}>
          {t.trim.preview}
        </button>
        {video.trim && (
          <button type="button" disabled={isRunning} onClick={() => void save({ whole: true })}>
            {t.trim.restore(formatClock(video.trim.fullDurationMs))}
          </button>
        )}
        <button type="button" onClick={onClose}>
          {t.common.cancel}
        </button>
        <button
          type="button"
          class="primary"
          disabled={isRunning || isUnchanged}
          onClick={() => void save(marks)}
          data-testid="trim-save"
        >
          {t.trim.save}
        </button>
      </div>
    </Dialog>
  );
}

function useFrameMs(revisionUrl: string): number {
  const [frameMs, setFrameMs] = useState(readFrameMs(''));
  useEffect(() => {
    const abort = new AbortController();
    fetch(revisionUrl + MULTIVARIANT_PLAYLIST, { signal: abort.signal })
      .then(response => response.text())
      .then(text => setFrameMs(readFrameMs(text)))
      // The default stays.
      .catch(() => undefined);
    return () => abort.abort();
  }, [revisionUrl]);
  return frameMs;
}

interface MarkFieldProps {
  readonly label: string;
  readonly ms: number;
  readonly limits: Limits;
  readonly onMove: (ms: number) => void;
  readonly here: string;
  readonly currentMs: () => number;
}

/** A slider whose steps are frames, a field for the time, and a button for the position of the player. */
function MarkField({ label, ms, limits, onMove, here, currentMs }: MarkFieldProps) {
  const { t } = useTranslation();
  const id = useId();
  const [text, setText] = useState<string>();
  const commit = (): void => {
    const parsed = text === undefined ? undefined : parseCueTime(text);
    if (parsed !== undefined) onMove(parsed);
    setText(undefined);
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="range"
        min={0}
        max={limits.durationMs}
        step="any"
        value={ms}
        aria-valuetext={formatCueTime(ms)}
        aria-describedby={`${id}-hint`}
        onInput={event => onMove(Number(event.currentTarget.value))}
        onKeyDown={event => {
          const frames = {
            ArrowLeft: -1,
            ArrowRight: 1,
            ArrowDown: -1,
            ArrowUp: 1,
            PageDown: -25,
            PageUp: 25,
          }[event.key];
          if (frames === undefined) return;
          event.preventDefault();
          onMove(ms + frames * limits.frameMs);
        }}
      />
      <div class="row">
        <input
          type="text"
          inputMode="decimal"
          class="trim-time"
          aria-label={t.trim.timeOf(label)}
          value={text ?? formatCueTime(ms)}
          onInput={event => setText(event.currentTarget.value)}
          onBlur={commit}
          onKeyDown={event => event.key === 'Enter' && commit()}
        />
        <button type="button" class="small" onClick={() => onMove(currentMs())}>
          {here}
        </button>
      </div>
      <p class="quiet" id={`${id}-hint`}>
        {t.trim.keys}
      </p>
    </div>
  );
}

const TILES = 12;

interface TimelineProps {
  readonly marks: Marks;
  readonly limits: Limits;
  /** URL of the revision if it has a storyboard. */
  readonly storyboard: string | undefined;
}

/** Images of the video from its start to its end. The parts to cut are dimmed. */
function Timeline({ marks, limits: { durationMs }, storyboard }: TimelineProps) {
  const [tiles, setTiles] = useState<readonly Tile[]>([]);
  useEffect(() => {
    if (!storyboard) return;
    const abort = new AbortController();
    fetchStoryboard(new URL(storyboard + STORYBOARD, location.href).href, abort.signal)
      .then(setTiles)
      // The marks can be set without images.
      .catch(() => undefined);
    return () => abort.abort();
  }, [storyboard]);
  const share = (ms: number): string => `${((100 * ms) / Math.max(1, durationMs)).toFixed(3)}%`;
  return (
    <div class="trim-timeline" aria-hidden="true">
      {Array.from({ length: TILES }, (_, i) => {
        const tile = findTile(tiles, ((i + 0.5) * durationMs) / TILES / 1_000);
        return (
          <span
            key={i}
            class="trim-tile"
            style={
              tile && {
                backgroundImage: `url("${tile.sprite}")`,
                backgroundPosition: `-${tile.x}px -${tile.y}px`,
              }
            }
          />
        );
      })}
      <span class="trim-cut" style={{ left: 0, width: share(marks.startMs) }} />
      <span class="trim-cut" style={{ right: 0, width: share(durationMs - marks.endMs) }} />
    </div>
  );
}
