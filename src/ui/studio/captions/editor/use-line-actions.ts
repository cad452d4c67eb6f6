/** Moves between the lines of the editor, and changes the selected one. */
import type { RefObject } from 'preact';
import { useCallback, useRef, useState } from 'preact/hooks';
import { useTranslation } from '../../../i18n/use-translation.tsx';
import type { PlayerControls } from '../../../player/player-props.ts';
import { addCue, type CuePatch, type Cues, changeCue, joinCue, removeCue, splitCue } from './cue-edits.ts';
import type { CueListControls, Focus } from './cue-list.tsx';
import type { LineActions } from './line-tools.tsx';
import type { CaptionEditor } from './use-caption-editor.ts';
import type { EditorCue } from './webvtt.ts';

interface LineDeps {
  readonly editor: CaptionEditor;
  readonly player: RefObject<PlayerControls | undefined>;
  readonly list: RefObject<CueListControls | null>;
  readonly onReport: (text: string) => void;
}

export function useLineActions({ editor, player, list, onReport }: LineDeps) {
  const texts = useTranslation().t.captionEditor;
  const [focus, setFocus] = useState<Focus>();
  const { cues = [], selected } = editor;
  const index = cues.findIndex(({ id }) => id === selected);
  const cue = cues[index];
  const nowMs = (): number => player.current?.currentMs() ?? 0;
  const latest = useRef(editor);
  latest.current = editor;

  const show = useCallback((id: number, isFocused = true): void => {
    latest.current.select(id);
    // After the list has this line.
    requestAnimationFrame(() => list.current?.show(id));
    if (isFocused) setFocus(before => ({ id, count: (before?.count ?? 0) + 1 }));
  }, []);
  /** Makes an edit, then shows the line that it returns. */
  const editAndShow = (act: (all: Cues) => [Cues, number]): void => {
    const [next, id] = act(cues);
    editor.edit(() => next);
    show(id);
  };
  const change = (patch: CuePatch, kind?: string): void => {
    if (cue) editor.edit(all => changeCue(all, cue.id, patch), kind);
  };
  const actions: LineActions = {
    change,
    setStart: () => change({ startMs: nowMs() }),
    setEnd: () => change({ endMs: nowMs() }),
    split() {
      if (cue) editAndShow(all => splitCue(all, cue.id, caretIn(cue.id)));
    },
    join() {
      if (cue) editor.edit(all => joinCue(all, cue.id));
    },
    add: () => editAndShow(all => addCue(all, cue ? { after: cue.id } : { atMs: nowMs() })),
    remove() {
      if (!cue) return;
      editor.edit(all => removeCue(all, cue.id));
      onReport(texts.removed);
      const following = cues[index + 1] ?? cues[index - 1];
      if (following) show(following.id);
    },
  };
  const row = {
    onPlay: useCallback((from: EditorCue): void => {
      player.current?.seek(from.startMs);
      player.current?.play();
    }, []),
    onText: useCallback(
      (id: number, text: string) => latest.current.edit(all => changeCue(all, id, { text }), `text ${id}`),
      [],
    ),
    onTimes: useCallback(
      (id: number, times: CuePatch) => latest.current.edit(all => changeCue(all, id, times), `times ${id}`),
      [],
    ),
  };
  return { cue, index, focus, show, actions, row };
}

/** The position of the cursor in the text of a line; 0 if it is elsewhere. */
function caretIn(id: number): number {
  const text = document.querySelector(`[data-cue="${id}"] textarea`);
  return text instanceof HTMLTextAreaElement ? text.selectionStart : 0;
}
