/** One line of the caption editor: its times, its text, and what is wrong with it. */
import { memo } from 'preact/compat';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useTranslation } from '../../../i18n/use-translation.tsx';
import { formatCueTime, parseCueTime } from './cue-times.ts';
import { findWarnings, speedOf } from './warnings.ts';
import type { EditorCue } from './webvtt.ts';

export interface CueRowProps {
  readonly cue: EditorCue;
  readonly next: EditorCue | undefined;
  /** Its place in the list, from 0. */
  readonly index: number;
  readonly count: number;
  readonly topPx: number;
  readonly durationMs: number | undefined;
  readonly isSelected: boolean;
  readonly isPlaying: boolean;
  /** The text is focused when this changes. */
  readonly focus: number | undefined;
  readonly onSelect: (id: number) => void;
  readonly onPlay: (cue: EditorCue) => void;
  readonly onText: (id: number, text: string) => void;
  readonly onTimes: (id: number, times: { readonly startMs?: number; readonly endMs?: number }) => void;
}

function CueRowView(props: CueRowProps) {
  const { cue, next, index, count, topPx, durationMs, isSelected, isPlaying, focus } = props;
  const texts = useTranslation().t.captionEditor;
  const text = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (focus !== undefined) text.current?.focus();
  }, [focus]);
  const warnings = findWarnings(cue, next, durationMs);
  const number = index + 1;
  const warningId = `cue-warnings-${cue.id}`;
  return (
    <li
      class={`cue ${isSelected ? 'cue-selected' : ''} ${isPlaying ? 'cue-playing' : ''}`}
      style={{ top: `${topPx}px` }}
      aria-setsize={count}
      aria-posinset={number}
      aria-current={isSelected ? 'true' : undefined}
      data-cue={cue.id}
      onFocusCapture={() => props.onSelect(cue.id)}
    >
      <button
        type="button"
        class="plain small cue-play"
        aria-label={texts.playLine(number)}
        title={texts.playLine(number)}
        onClick={() => props.onPlay(cue)}
      >
        ▶
      </button>
      <div class="cue-times">
        <TimeField
          label={texts.start(number)}
          ms={cue.startMs}
          onChange={startMs => props.onTimes(cue.id, { startMs })}
        />
        <TimeField
          label={texts.end(number)}
          ms={cue.endMs}
          onChange={endMs => props.onTimes(cue.id, { endMs })}
        />
      </div>
      <div class="cue-body">
        <textarea
          ref={text}
          rows={2}
          dir="auto"
          value={cue.text}
          spellcheck
          aria-label={texts.text(number)}
          aria-describedby={warnings.length > 0 ? warningId : undefined}
          onInput={event => props.onText(cue.id, event.currentTarget.value)}
        />
        <p class="cue-notes quiet">
          {cue.speaker && (
            <bdi class="cue-speaker" dir="auto">
              {cue.speaker}
            </bdi>
          )}
          <span class="number">{texts.speed(Math.round(speedOf(cue)))}</span>
          {warnings.length > 0 && (
            <span class="warn" id={warningId}>
              {warnings.map(each => texts.warnings[each]).join(' · ')}
            </span>
          )}
        </p>
      </div>
    </li>
  );
}

/** A list of thousands of lines changes one line at a time. */
export const CueRow = memo(CueRowView);

interface TimeFieldProps {
  readonly label: string;
  readonly ms: number;
  readonly onChange: (ms: number) => void;
}

const STEP_MS = 100;

/** The text is free while it is edited. An invalid time is reset. */
function TimeField({ label, ms, onChange }: TimeFieldProps) {
  const [typed, setTyped] = useState<string>();
  const finish = (): void => {
    const parsed = typed === undefined ? undefined : parseCueTime(typed);
    setTyped(undefined);
    if (parsed !== undefined && parsed !== ms) onChange(parsed);
  };
  return (
    <input
      class="number"
      inputMode="decimal"
      aria-label={label}
      title={label}
      value={typed ?? formatCueTime(ms)}
      onInput={event => setTyped(event.currentTarget.value)}
      onBlur={finish}
      onKeyDown={event => {
        if (event.key === 'Enter') finish();
        if ((event.key === 'ArrowUp' || event.key === 'ArrowDown') && !event.altKey) {
          event.preventDefault();
          setTyped(undefined);
          onChange(ms + (event.key === 'ArrowUp' ? STEP_MS : -STEP_MS));
        }
      }}
    />
  );
}
