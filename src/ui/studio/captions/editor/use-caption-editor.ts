/** The state of the caption editor: the cues with their history, the state of saving, and the selected line. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useAction } from '../../../api/use-action.ts';
import type { CaptionsCalls } from '../captions-calls.ts';
import type { Cues } from './cue-edits.ts';
import { type History, record, redo, startHistory, undo } from './edit-history.ts';
import { formatWebVtt, parseWebVtt } from './webvtt.ts';

interface Loaded {
  readonly head: string;
  readonly tag: string;
  /** As they are at the site. */
  readonly saved: Cues;
  readonly history: History<Cues>;
}

export interface CaptionEditor {
  /** Undefined while the track is being loaded. */
  readonly cues: Cues | undefined;
  readonly loadError: unknown;
  readonly selected: number | undefined;
  readonly isDirty: boolean;
  readonly isSaving: boolean;
  readonly saveError: unknown;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  select(id: number | undefined): void;
  /** @param kind edits of the same kind in quick succession are undone together */
  edit(change: (cues: Cues) => Cues, kind?: string): void;
  undo(): void;
  redo(): void;
  /** @returns true if it is saved now */
  save(): Promise<boolean>;
  /** Gives up all changes. */
  reload(): void;
  /** The WebVTT of the present state, to keep it elsewhere. */
  text(): string;
}

export function useCaptionEditor(
  calls: Pick<CaptionsCalls, 'read' | 'replace'>,
  track: string,
): CaptionEditor {
  const [loaded, setLoaded] = useState<Loaded>();
  const [loadError, setLoadError] = useState<unknown>();
  const [selected, select] = useState<number>();
  const [attempt, setAttempt] = useState(0);
  const { isRunning, error, run } = useAction();
  const latest = useRef(loaded);
  latest.current = loaded;

  useEffect(() => {
    let isCurrent = true;
    setLoadError(undefined);
    calls.read(track).then(
      ({ text, tag }) => {
        if (!isCurrent) return;
        const { head, cues } = parseWebVtt(text);
        setLoaded({ head, tag, saved: cues, history: startHistory<Cues>(cues) });
        select(cues[0]?.id);
      },
      cause => isCurrent && setLoadError(cause),
    );
    return () => {
      isCurrent = false;
    };
  }, [track, attempt]);

  const present = loaded?.history.present;
  const isDirty = loaded !== undefined && present !== loaded.saved;
  useEffect(() => {
    if (!isDirty) return;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [isDirty]);

  const change = (act: (history: History<Cues>) => History<Cues>): void =>
    setLoaded(before => {
      const next = before && { ...before, history: act(before.history) };
      latest.current = next;
      return next;
    });
  const actions = useMemo(
    () => ({
      edit: (act: (cues: Cues) => Cues, kind = '') =>
        change(history => record(history, act(history.present), { kind, atMs: performance.now() })),
      undo: () => change(undo),
      redo: () => change(redo),
      reload: () => setAttempt(before => before + 1),
      text: () =>
        formatWebVtt({ head: latest.current?.head ?? '', cues: latest.current?.history.present ?? [] }),
    }),
    [],
  );
  return {
    cues: present,
    loadError,
    selected,
    isDirty,
    isSaving: isRunning,
    saveError: error,
    canUndo: (loaded?.history.past.length ?? 0) > 0,
    canRedo: (loaded?.history.future.length ?? 0) > 0,
    select,
    ...actions,
    save: () =>
      run(async () => {
        const before = latest.current;
        if (!before) return;
        const saved = before.history.present;
        const { tag } = await calls.replace(
          track,
          formatWebVtt({ head: before.head, cues: saved }),
          before.tag,
        );
        setLoaded(now => now && { ...now, tag, saved });
      }),
  };
}
