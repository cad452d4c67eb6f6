/** The form in which a person edits a video. */
import { useId, useState } from 'preact/hooks';
import { type Audience, type AudienceOfVideo, isWidened } from '../../protocol/people/audience.ts';
import type { SiteVideo } from '../../protocol/site.ts';
import type { GroupNames } from '../components/audience/use-group-names.ts';
import { ErrorText } from '../components/notice.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { AudienceChoice, isComplete, toFields } from './audience-choice.tsx';

export interface VideoEdit {
  readonly name: string;
  readonly description: string;
  readonly audience: Audience;
  readonly groups?: readonly string[];
}

interface EditFormProps {
  readonly video: SiteVideo;
  readonly groups: GroupNames;
  /** The person may make it visible to more people. */
  readonly mayPublish: boolean;
  readonly onSave: (edit: VideoEdit) => Promise<void>;
  readonly onClose: () => void;
}

export function EditForm({ video, groups, mayPublish, onSave, onClose }: EditFormProps) {
  const { t } = useTranslation();
  const id = useId();
  const [name, setName] = useState(video.name);
  const [description, setDescription] = useState(video.description);
  const before: AudienceOfVideo = { audience: video.audience, groups: video.groups ?? [] };
  const [audience, setAudience] = useState(before);
  const [saving, setSaving] = useState(false);
  const [error, setError] = useState<unknown>();
  const save = async (): Promise<void> => {
    setSaving(true);
    try {
      await onSave({ name, description, ...toFields(audience) });
      onClose();
    } catch (cause) {
      setError(cause);
      setSaving(false);
    }
  };
  return (
    <form
      class="stack"
      data-testid="edit-form"
      onSubmit={event => {
        event.preventDefault();
        void save();
      }}
    >
      <div class="field">
        <label for={`${id}-name`}>{t.studio.name}</label>
        <input
          id={`${id}-name`}
          name="name"
          dir="auto"
          required
          maxLength={200}
          value={name}
          onInput={event => setName(event.currentTarget.value)}
        />
      </div>
      <div class="field">
        <label for={`${id}-description`}>{t.studio.description}</label>
        <textarea
          id={`${id}-description`}
          name="description"
          dir="auto"
          rows={3}
          maxLength={5_000}
          value={description}
          onInput={event => setDescription(event.currentTarget.value)}
        />
      </div>
      <AudienceChoice
        value={audience}
        groups={groups}
        onChoose={setAudience}
        isOffered={chosen => mayPublish || video.approval !== undefined || !isWidened(before, chosen)}
      />
      <ErrorText error={error} />
      <div class="actions">
        <button type="submit" class="primary" disabled={saving || !isComplete(audience)}>
          {t.common.save}
        </button>
        <button type="button" class="plain" onClick={onClose}>
          {t.common.cancel}
        </button>
      </div>
    </form>
  );
}
