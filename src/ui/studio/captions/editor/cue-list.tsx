/** The lines of a caption track. Only those in view exist, and the selected one, which may have the focus. */
import type { RefObject } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { useTranslation } from '../../../i18n/use-translation.tsx';
import type { Cues } from './cue-edits.ts';
import { CueRow, type CueRowProps } from './cue-row.tsx';
import { useWindow } from './use-window.ts';

/** What other parts of the editor can do with the list. */
export interface CueListControls {
  /** Brings a line into view. */
  show(id: number): void;
}

/** The line that takes the focus, each time that `count` changes. */
export interface Focus {
  readonly id: number;
  readonly count: number;
}

interface CueListProps
  extends Pick<CueRowProps, 'durationMs' | 'onSelect' | 'onPlay' | 'onText' | 'onTimes'> {
  readonly cues: Cues;
  readonly selected: number | undefined;
  readonly playing: number | undefined;
  readonly focus: Focus | undefined;
  readonly controls: RefObject<CueListControls | null>;
}

export function CueList(props: CueListProps) {
  const { cues, selected, playing, focus, controls, durationMs } = props;
  const { onSelect, onPlay, onText, onTimes } = props;
  const texts = useTranslation().t.captionEditor;
  const list = useRef<HTMLOListElement>(null);
  const { rowPx, from, to, show } = useWindow(list, cues.length);
  const indexes = useMemo(() => new Map(cues.map(({ id }, index) => [id, index])), [cues]);
  const latest = useRef({ indexes, show });
  latest.current = { indexes, show };
  useEffect(() => {
    controls.current = {
      show(id) {
        const index = latest.current.indexes.get(id);
        if (index !== undefined) latest.current.show(index);
      },
    };
  }, []);
  const selectedIndex = selected === undefined ? undefined : indexes.get(selected);
  const rows = new Set<number>();
  for (let index = from; index < to; index++) rows.add(index);
  if (selectedIndex !== undefined) rows.add(selectedIndex);
  return (
    <ol
      ref={list}
      class="cue-list"
      aria-label={texts.lines}
      data-testid="cue-list"
      // A list that scrolls is reached by keyboard even if nothing in it takes the focus.
      tabIndex={cues.length === 0 ? undefined : -1}
    >
      <li class="cue-room" aria-hidden="true" style={{ height: `${cues.length * rowPx}px` }} />
      {[...rows]
        .sort((a, b) => a - b)
        .map(index => {
          const cue = cues[index];
          if (!cue) return null;
          return (
            <CueRow
              key={cue.id}
              cue={cue}
              next={cues[index + 1]}
              index={index}
              count={cues.length}
              topPx={index * rowPx}
              durationMs={durationMs}
              isSelected={cue.id === selected}
              isPlaying={cue.id === playing}
              focus={focus?.id === cue.id ? focus.count : undefined}
              onSelect={onSelect}
              onPlay={onPlay}
              onText={onText}
              onTimes={onTimes}
            />
          );
        })}
    </ol>
  );
}
