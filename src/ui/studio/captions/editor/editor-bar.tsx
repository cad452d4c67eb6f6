/** The top of the caption editor: the state of saving, undo, save, publish, and conflicts with the changes of others. */

import type { CaptionTrack } from '../../../../protocol/captions.ts';
import { useTranslation } from '../../../i18n/use-translation.tsx';
import type { CaptionEditor } from './use-caption-editor.ts';

interface EditorBarProps {
  readonly editor: CaptionEditor;
  readonly track: CaptionTrack;
  readonly warnings: number;
  readonly onWarning: () => void;
  readonly onSave: () => void;
  readonly onPublish: () => void;
  readonly onClose: () => void;
}

export function EditorBar(props: EditorBarProps) {
  const { editor, track, warnings, onWarning, onSave, onPublish, onClose } = props;
  const { t } = useTranslation();
  const texts = t.captionEditor;
  const isDraft = track.state === 'draft';
  return (
    <div class="editor-bar">
      <span class={`state ${isDraft ? 'warn' : 'good'}`}>{texts.states[track.state]}</span>
      <span class="quiet" data-testid="save-state">
        {editor.isDirty ? texts.unsaved : editor.cues ? texts.allSaved : ''}
      </span>
      {warnings > 0 && (
        <button type="button" class="plain small warn" data-testid="next-warning" onClick={onWarning}>
          {texts.warningCount(warnings)}
        </button>
      )}
      <div class="actions">
        <button type="button" class="small" disabled={!editor.canUndo} onClick={editor.undo}>
          {texts.undo}
        </button>
        <button type="button" class="small" disabled={!editor.canRedo} onClick={editor.redo}>
          {texts.redo}
        </button>
        <button
          type="button"
          class={isDraft ? 'small' : 'small primary'}
          disabled={!editor.isDirty || editor.isSaving}
          onClick={onSave}
          data-testid="save-captions"
        >
          {editor.isSaving ? texts.saving : t.common.save}
        </button>
        {isDraft && (
          <button
            type="button"
            class="small primary"
            disabled={!editor.cues?.length || editor.isSaving}
            onClick={onPublish}
            data-testid="publish-captions"
          >
            {texts.publish}
          </button>
        )}
        <button type="button" class="small" onClick={onClose}>
          {t.common.close}
        </button>
      </div>
    </div>
  );
}

interface ConflictProps {
  readonly editor: CaptionEditor;
  readonly fileName: string;
  readonly onReload: () => void;
}

/** Somebody else has saved the same track. Nothing is overwritten, and nothing is lost. */
export function Conflict({ editor, fileName, onReload }: ConflictProps) {
  const texts = useTranslation().t.captionEditor;
  return (
    <div class="notice notice-error" role="alert" data-testid="conflict">
      <p>{texts.conflict}</p>
      <a
        class="button small"
        download={fileName}
        href={`data:text/vtt;charset=utf-8,${encodeURIComponent(editor.text())}`}
      >
        {texts.downloadMine}
      </a>
      <button type="button" class="small" onClick={onReload}>
        {texts.loadTheirs}
      </button>
    </div>
  );
}
