/** Edits one track of captions next to its video: lines with their times, saved as a whole. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { CaptionTrack } from '../../../protocol/captions.ts';
import type { Pictures } from '../../../protocol/media/media.ts';
import { MULTIVARIANT_PLAYLIST } from '../../../protocol/media/media-address.ts';
import { ApiError } from '../../api/api-error.ts';
import { Confirm, Dialog } from '../../components/dialog.tsx';
import { Announcement, ErrorNotice, ErrorText } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { Player } from '../../player/player.tsx';
import type { PlayerControls } from '../../player/player-props.ts';
import type { CaptionsCalls } from './captions-calls.ts';
import { type Cues, findCueAt } from './editor/cue-edits.ts';
import { CueList, type CueListControls } from './editor/cue-list.tsx';
import { Conflict, EditorBar } from './editor/editor-bar.tsx';
import { LineTools } from './editor/line-tools.tsx';
import { FindBar, ShiftForm } from './editor/list-tools.tsx';
import { findShortcut, type Shortcut, ShortcutList } from './editor/shortcuts.tsx';
import { useCaptionEditor } from './editor/use-caption-editor.ts';
import { useLineActions } from './editor/use-line-actions.ts';
import { findWarnings } from './editor/warnings.ts';
import { formatTrackName } from './track-name.ts';

export interface EditedVideo {
  readonly name: string;
  readonly durationMs: number | undefined;
  /** URL of a revision, ending in `/`. */
  readonly revisionUrl: string;
  readonly pictures: Pictures;
}

interface CaptionEditorProps {
  readonly video: EditedVideo;
  readonly track: CaptionTrack;
  readonly calls: CaptionsCalls;
  readonly onClose: () => void;
}

const MAX_SPEAKERS = 50;

/** The actions of the keys and buttons of the editor. */
function useEditing({ calls, track, onClose }: CaptionEditorProps) {
  const { t } = useTranslation();
  const editor = useCaptionEditor(calls, track.id);
  const { cues = [], selected, isDirty } = editor;
  const [nowMs, setNowMs] = useState(0);
  const [question, setQuestion] = useState<'close' | 'reload'>();
  const [report, setReport] = useState('');
  const [publishError, setPublishError] = useState<unknown>();
  const player = useRef<PlayerControls | undefined>(undefined);
  const list = useRef<CueListControls>(null);
  const search = useRef<HTMLInputElement>(null);
  const { cue, index, focus, show, actions, row } = useLineActions({
    editor,
    player,
    list,
    onReport: setReport,
  });
  const playing = findCueAt(cues, nowMs);
  // The list follows the video, unless a person types in it.
  useEffect(() => {
    if (playing && !document.activeElement?.closest('.cue-list')) list.current?.show(playing.id);
  }, [playing?.id]);

  const save = async (): Promise<boolean> => {
    const isSaved = await editor.save();
    if (isSaved) setReport(t.captionEditor.saved);
    return isSaved;
  };
  const publish = async (): Promise<void> => {
    if (isDirty && !(await save())) return;
    await calls.publish(track.id).then(onClose, setPublishError);
  };
  const close = (): void => (isDirty ? setQuestion('close') : onClose());
  const step = (by: number): void => {
    const target = cues[index + by];
    if (target) show(target.id);
  };
  const shortcuts: Readonly<Record<Shortcut, () => void>> = {
    save: () => void save(),
    undo: editor.undo,
    redo: editor.redo,
    find: () => search.current?.focus(),
    split: actions.split,
    join: actions.join,
    add: actions.add,
    previous: () => step(-1),
    next: () => step(1),
    play: () => cue && row.onPlay(cue),
    pause: () => player.current?.pause(),
    start: actions.setStart,
    end: actions.setEnd,
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const shortcut = findShortcut(event);
    if (!shortcut || question) return;
    event.preventDefault();
    event.stopPropagation();
    shortcuts[shortcut]();
  };
  return {
    ...{ editor, cues, selected, playing, cue, index, focus, show, actions, row, player, list, search },
    ...{ question, setQuestion, report, setReport, publishError, setNowMs, save, publish, close, onKeyDown },
  };
}

interface EditorSideProps {
  readonly editing: ReturnType<typeof useEditing>;
  readonly source: EditedVideo;
  readonly name: string;
}

/** The player, the current line, and the tools for the selected line. */
function EditorSide({ editing, source, name }: EditorSideProps) {
  const { editor, cues, selected, playing, cue, index, setReport } = editing;
  return (
    <div class="editor-side">
      <div class="editor-player">
        <Player
          url={source.revisionUrl + MULTIVARIANT_PLAYLIST}
          revisionUrl={source.revisionUrl}
          pictures={source.pictures}
          name={name}
          autoplay={false}
          controls={editing.player}
          onTime={editing.setNowMs}
        />
      </div>
      <p class="editor-preview" dir="auto" data-testid="preview">
        {playing ? [playing.speaker, playing.text].filter(Boolean).join(': ') : '\u00a0'}
      </p>
      <LineTools
        cue={cue}
        number={index + 1}
        isLast={index === cues.length - 1}
        speakers={useSpeakers(cues)}
        actions={editing.actions}
      />
      <ShiftForm selected={selected} onEdit={editor.edit} onReport={setReport} />
      <ShortcutList />
    </div>
  );
}

export function CaptionEditor(props: CaptionEditorProps) {
  const { video, track, onClose } = props;
  const { t, language } = useTranslation();
  const texts = t.captionEditor;
  // Saving makes a new revision. The player stays with the one that it has.
  const [source] = useState(video);
  const editing = useEditing(props);
  const { editor, cues, selected, playing, index, show, question, setQuestion, setReport } = editing;
  const warned = useWarned(cues, video.durationMs);
  const isConflict = editor.saveError instanceof ApiError && editor.saveError.code === 'captions-changed';
  return (
    <Dialog
      title={`${formatTrackName(track, language)} · ${video.name}`}
      onClose={editing.close}
      full
      testId="caption-editor"
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: shortcuts of the whole editor */}
      <div class="caption-editor" onKeyDown={editing.onKeyDown}>
        <EditorBar
          editor={editor}
          track={track}
          warnings={warned.length}
          onWarning={() => show((warned.find(([at]) => at > index) ?? warned[0] ?? [0, 0])[1])}
          onSave={() => void editing.save()}
          onPublish={() => void editing.publish()}
          onClose={editing.close}
        />
        {isConflict ? (
          <Conflict
            editor={editor}
            fileName={`${track.language ?? 'captions'}.vtt`}
            onReload={() => setQuestion('reload')}
          />
        ) : (
          <ErrorText error={editor.saveError ?? editing.publishError} />
        )}
        {editor.loadError !== undefined && <ErrorNotice error={editor.loadError} retry={editor.reload} />}
        <EditorSide editing={editing} source={source} name={video.name} />
        <div class="editor-main">
          <FindBar
            cues={cues}
            selected={selected}
            search={editing.search}
            onEdit={editor.edit}
            onShow={id => show(id, false)}
            onReport={setReport}
          />
          {editor.cues?.length === 0 && <p class="quiet">{texts.empty}</p>}
          <CueList
            {...editing.row}
            cues={cues}
            selected={selected}
            playing={playing?.id}
            focus={editing.focus}
            controls={editing.list}
            durationMs={video.durationMs}
            onSelect={editor.select}
          />
        </div>
        <Announcement text={editing.report} />
      </div>
      {question && (
        <Confirm
          title={texts.discardTitle}
          text={texts.discardText}
          yes={texts.discard}
          no={texts.keepEditing}
          onYes={() => {
            setQuestion(undefined);
            if (question === 'close') onClose();
            else editor.reload();
          }}
          onNo={() => setQuestion(undefined)}
        />
      )}
    </Dialog>
  );
}

/** The lines with warnings: their places in the list, and their ids. */
const useWarned = (cues: Cues, durationMs: number | undefined): readonly (readonly [number, number])[] =>
  useMemo(
    () =>
      cues.flatMap((cue, at) =>
        findWarnings(cue, cues[at + 1], durationMs).length > 0 ? [[at, cue.id] as const] : [],
      ),
    [cues, durationMs],
  );

const useSpeakers = (cues: Cues): readonly string[] =>
  useMemo(
    () => [...new Set(cues.map(({ speaker }) => speaker).filter(Boolean))].slice(0, MAX_SPEAKERS),
    [cues],
  );
