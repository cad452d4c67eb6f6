/** The caption tracks of a video: list, upload, download, create, publish, edit and delete. */
import { useEffect, useState } from 'preact/hooks';
import type { CaptionList, CaptionTrack } from '../../../protocol/captions.ts';
import { type Action, useAction } from '../../api/use-action.ts';
import { Confirm } from '../../components/dialog.tsx';
import { ErrorText } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { AddCaptions } from './add-captions.tsx';
import type { EditedVideo } from './caption-editor.tsx';
import type { CaptionsCalls } from './captions-calls.ts';
import { CreateCaptions } from './create-captions.tsx';
import { TrackForm } from './track-form.tsx';
import { formatTrackName } from './track-name.ts';

interface CaptionsPanelProps {
  readonly video: EditedVideo & { readonly language?: string | undefined };
  readonly calls: CaptionsCalls;
  readonly onClose: () => void;
}

const POLL_MS = 2_000;

export function CaptionsPanel({ video, calls, onClose }: CaptionsPanelProps) {
  const { t, language } = useTranslation();
  const texts = t.studio.captions;
  const action = useAction();
  const { list, error, refresh } = useTracks(calls);
  const [edited, setEdited] = useState<CaptionTrack>();
  const [deleted, setDeleted] = useState<CaptionTrack>();
  const run = async (work: () => Promise<unknown>): Promise<boolean> => {
    const isDone = await action.run(work);
    refresh();
    return isDone;
  };
  return (
    <section class="stack captions-panel" data-testid="captions" aria-label={texts.heading}>
      <h4>{texts.heading}</h4>
      <ErrorText error={error} />
      {list?.tracks.length === 0 && <p class="quiet">{texts.none}</p>}
      <ul class="caption-tracks">
        {list?.tracks.map(track => (
          <Track
            key={track.id}
            track={track}
            calls={calls}
            action={action}
            run={run}
            onEdit={() => setEdited(track)}
            onDelete={() => setDeleted(track)}
          />
        ))}
      </ul>
      {list && <CreateCaptions list={list} language={video.language ?? language} calls={calls} run={run} />}
      <AddCaptions
        language={video.language ?? language}
        isRunning={action.isRunning}
        onAdd={async track => {
          let id = '';
          const isAdded = await run(async () => {
            id = await calls.add(track);
          });
          const { file, isDraft: _isDraft, ...about } = track;
          if (isAdded && !file) setEdited({ ...about, id, from: 'upload', state: 'draft' });
          return isAdded;
        }}
      />
      <ErrorText error={action.error} />
      <div class="actions">
        <button type="button" class="plain small" onClick={onClose} aria-label={texts.close}>
          {t.common.close}
        </button>
      </div>
      {deleted && (
        <Confirm
          title={texts.deleteTitle(formatTrackName(deleted, language))}
          text={texts.deleteText}
          yes={texts.delete}
          no={t.common.cancel}
          onYes={() => {
            setDeleted(undefined);
            void run(() => calls.remove(deleted.id));
          }}
          onNo={() => setDeleted(undefined)}
        />
      )}
      {edited && (
        <LazyEditor
          video={video}
          track={edited}
          calls={calls}
          onClose={() => {
            setEdited(undefined);
            refresh();
          }}
        />
      )}
    </section>
  );
}

type EditorModule = typeof import('./caption-editor.tsx');

/** Loads the editor when somebody opens it. */
function LazyEditor(props: Parameters<EditorModule['CaptionEditor']>[0]) {
  const [editor, setEditor] = useState<EditorModule>();
  useEffect(() => {
    import('./caption-editor.tsx').then(setEditor, reportError);
  }, []);
  return editor ? <editor.CaptionEditor {...props} /> : null;
}

function useTracks(calls: CaptionsCalls) {
  const [list, setList] = useState<CaptionList>();
  const [error, setError] = useState<unknown>();
  const [attempt, setAttempt] = useState(0);
  const isCreating = list?.job?.state === 'waiting' || list?.job?.state === 'running';
  useEffect(() => {
    const abort = new AbortController();
    const read = (): void =>
      void calls.list(abort.signal).then(
        next => {
          setList(next);
          setError(undefined);
        },
        cause => abort.signal.aborted || setError(cause),
      );
    read();
    const timer = isCreating ? setInterval(read, POLL_MS) : undefined;
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [attempt, isCreating]);
  return { list, error, refresh: () => setAttempt(before => before + 1) };
}

interface TrackProps {
  readonly track: CaptionTrack;
  readonly calls: CaptionsCalls;
  readonly action: Action;
  readonly run: (work: () => Promise<unknown>) => Promise<boolean>;
  readonly onEdit: () => void;
  readonly onDelete: () => void;
}

function Track({ track, calls, action, run, onEdit, onDelete }: TrackProps) {
  const { t, language } = useTranslation();
  const texts = t.studio.captions;
  const [isDescribing, setDescribing] = useState(false);
  const name = formatTrackName(track, language);
  const download = async (): Promise<void> => {
    const { text } = await calls.read(track.id);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type: 'text/vtt' }));
    link.download = `${track.language ?? 'captions'}.vtt`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <li class="caption-track" data-captions={track.id} data-state={track.state}>
      <div class="caption-track-name">
        <strong>
          <bdi>{name}</bdi>
        </strong>
        <span class={`state ${track.state === 'draft' ? 'warn' : 'good'}`}>
          {t.captionEditor.states[track.state]}
        </span>
        {track.from !== 'upload' && <span class="quiet">{texts.from[track.from]}</span>}
      </div>
      <div class="actions">
        <button type="button" class="small" onClick={onEdit} aria-label={texts.editTrack(name)}>
          {texts.edit}
        </button>
        {track.state === 'draft' && (
          <button
            type="button"
            class="small primary"
            disabled={action.isRunning}
            aria-label={texts.publishTrack(name)}
            onClick={() => void run(() => calls.publish(track.id))}
          >
            {t.captionEditor.publish}
          </button>
        )}
        <button
          type="button"
          class="small"
          aria-label={texts.downloadTrack(name)}
          onClick={() => void action.run(download)}
        >
          {texts.download}
        </button>
        <button
          type="button"
          class="small"
          aria-expanded={isDescribing}
          aria-label={texts.describeTrack(name)}
          onClick={() => setDescribing(!isDescribing)}
        >
          {texts.describe}
        </button>
        <button
          type="button"
          class="plain small"
          disabled={action.isRunning}
          aria-label={texts.remove(name)}
          onClick={onDelete}
        >
          {texts.delete}
        </button>
      </div>
      {isDescribing && (
        <TrackForm
          track={track}
          isRunning={action.isRunning}
          onSave={async about => {
            if (await run(() => calls.describe(track.id, about))) setDescribing(false);
          }}
        />
      )}
    </li>
  );
}
