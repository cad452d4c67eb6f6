/** Everything that people say about a video, in one form. */
import { useState } from 'preact/hooks';
import type { Field } from '../../../protocol/catalogue/fields.ts';
import { isWidened } from '../../../protocol/people/audience.ts';
import type { SiteVideo } from '../../../protocol/site.ts';
import { useAction } from '../../api/use-action.ts';
import type { GroupNames } from '../../components/audience/use-group-names.ts';
import { ErrorText, Notice } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { AudienceChoice } from '../audience-choice.tsx';
import type { SeriesChoices } from '../use-series.ts';
import { type Draft, findDraftErrors } from './draft.ts';
import { SelectInput, TextInput } from './inputs.tsx';
import { OperatorFields } from './operator-fields.tsx';
import { ChapterRows, PeopleRows } from './rows.tsx';
import { TagsInput } from './tags-input.tsx';
import { type DraftCalls, useDraft } from './use-draft.ts';

const DOWNLOADS = ['none', 'source', 'renditions'] as const;

export interface DetailsFormProps {
  readonly video: SiteVideo;
  readonly fields: readonly Field[];
  readonly series: SeriesChoices;
  readonly groups: GroupNames;
  readonly known: { readonly tags: readonly string[]; readonly people: readonly string[] };
  /** The person may make it visible to more people. */
  readonly mayPublish: boolean;
  readonly calls: DraftCalls;
  /** The position of the player in milliseconds; undefined while there is none. */
  readonly readPosition: (() => number) | undefined;
}

export function DetailsForm(props: DetailsFormProps) {
  const { video, fields, calls } = props;
  const { t, format } = useTranslation();
  const texts = t.details;
  const state = useDraft(video, fields, calls);
  const [areErrorsShown, showErrors] = useState(false);
  const [isSaved, setSaved] = useState(false);
  const { isRunning, error, run } = useAction();
  const found = findDraftErrors(state.draft, fields);
  const errorOf = (name: keyof Draft): string | undefined =>
    areErrorsShown && found[name] ? texts.errors[found[name]] : undefined;
  const save = async (form: HTMLFormElement): Promise<void> => {
    if (Object.keys(found).length > 0) {
      showErrors(true);
      setTimeout(() => form.querySelector<HTMLElement>('[aria-invalid=true], .invalid input')?.focus());
      return;
    }
    if (await run(state.save)) setSaved(true);
  };
  const change = (part: Partial<Draft>): void => {
    setSaved(false);
    state.change(part);
  };
  return (
    <form
      class="stack details-form"
      data-testid="edit-form"
      noValidate
      onSubmit={event => {
        event.preventDefault();
        void save(event.currentTarget);
      }}
    >
      {state.isRestored && (
        <Notice kind="hint" testId="restored">
          <p>{texts.restored}</p>
        </Notice>
      )}
      {state.conflict && (
        <Notice kind="error" testId="conflict">
          <p>
            {state.conflict.length === 0
              ? texts.merged
              : texts.conflict(format.list(state.conflict.map(name => texts.members[name])))}
          </p>
        </Notice>
      )}
      <Sections {...props} {...{ draft: state.draft, change, errorOf }} />
      <div class="save-bar" data-changed={String(state.isChanged)}>
        <ErrorText error={error} />
        {areErrorsShown && Object.keys(found).length > 0 && <p class="bad">{texts.correct}</p>}
        <div class="actions">
          <button type="submit" class="primary" disabled={isRunning || !state.isChanged}>
            {isRunning ? texts.saving : t.common.save}
          </button>
          <button
            type="button"
            class="plain"
            disabled={isRunning || !state.isChanged}
            onClick={state.discard}
          >
            {texts.discard}
          </button>
          <span role="status" class="quiet" data-testid="save-state">
            {state.isChanged ? texts.unsaved : isSaved ? texts.saved : ''}
          </span>
        </div>
      </div>
    </form>
  );
}

interface SectionsProps extends DetailsFormProps {
  readonly draft: Draft;
  readonly change: (part: Partial<Draft>) => void;
  readonly errorOf: (name: keyof Draft) => string | undefined;
}

function Sections(props: SectionsProps) {
  const { video, groups, mayPublish, draft, change, errorOf } = props;
  const { t } = useTranslation();
  const before = { audience: video.audience, groups: video.groups ?? [] };
  return (
    <>
      <TextInput
        name="name"
        label={t.studio.name}
        required
        maxLength={200}
        value={draft.name}
        error={errorOf('name')}
        onInput={name => change({ name })}
      />
      <TextInput
        name="description"
        label={t.studio.description}
        rows={6}
        maxLength={5_000}
        value={draft.description}
        onInput={description => change({ description })}
      />
      <Placement {...props} />
      <PeopleRows
        people={draft.people}
        suggestions={props.known.people}
        onChange={people => change({ people })}
      />
      <ChapterRows
        chapters={draft.chapters}
        error={errorOf('chapters')}
        readPosition={props.readPosition}
        onChange={chapters => change({ chapters })}
      />
      {props.fields.length > 0 && (
        <fieldset class="rows">
          <legend class="rows-legend">{t.details.fields}</legend>
          <OperatorFields
            fields={props.fields}
            values={draft.fields}
            error={t.details.errors.number}
            onChange={fields => change({ fields })}
          />
        </fieldset>
      )}
      <AudienceChoice
        value={draft.audience}
        groups={groups}
        onChoose={audience => change({ audience })}
        isOffered={chosen => mayPublish || video.approval !== undefined || !isWidened(before, chosen)}
      />
      <Schedule {...props} />
    </>
  );
}

function Placement({ draft, change, errorOf, series, known }: SectionsProps) {
  const { t } = useTranslation();
  const texts = t.details;
  // A series that is not in the list is kept.
  const isUnknown = draft.series !== '' && !series.some(({ id }) => id === draft.series);
  return (
    <>
      <div class="field-grid">
        <SelectInput
          name="series"
          label={texts.series}
          value={draft.series}
          options={[
            ['', texts.none],
            ...(isUnknown ? [[draft.series, draft.series] as const] : []),
            ...series.map(({ id, title }) => [id, title] as const),
          ]}
          onChoose={id => change({ series: id, ...(id === '' ? { position: '' } : {}) })}
        />
        {draft.series !== '' && (
          <TextInput
            name="position"
            label={texts.position}
            inputMode="numeric"
            value={draft.position}
            error={errorOf('position')}
            onInput={position => change({ position })}
          />
        )}
        <TextInput
          name="language"
          label={texts.language}
          hint={texts.languageHint}
          maxLength={35}
          value={draft.language}
          onInput={language => change({ language })}
        />
        <TextInput
          name="licence"
          label={texts.licence}
          maxLength={120}
          value={draft.licence}
          suggestions={['CC BY 4.0', 'CC BY-SA 4.0', 'CC BY-NC 4.0', 'CC0 1.0']}
          onInput={licence => change({ licence })}
        />
        <TextInput
          name="recordedAt"
          type="datetime-local"
          label={texts.recordedAt}
          value={draft.recordedAt}
          onInput={recordedAt => change({ recordedAt })}
        />
      </div>
      <TagsInput
        label={texts.tags}
        tags={draft.tags}
        suggestions={known.tags}
        onChange={tags => change({ tags })}
      />
    </>
  );
}

function Schedule({ draft, change, errorOf }: SectionsProps) {
  const texts = useTranslation().t.details;
  return (
    <div class="field-grid">
      <TextInput
        name="publishAt"
        type="datetime-local"
        label={texts.publishAt}
        hint={texts.publishAtHint}
        value={draft.publishAt}
        onInput={publishAt => change({ publishAt })}
      />
      <TextInput
        name="withdrawAt"
        type="datetime-local"
        label={texts.withdrawAt}
        hint={texts.withdrawAtHint}
        value={draft.withdrawAt}
        error={errorOf('withdrawAt')}
        onInput={withdrawAt => change({ withdrawAt })}
      />
      <SelectInput
        name="downloads"
        label={texts.downloads}
        value={draft.downloads}
        options={[
          ['', texts.downloadsUsual],
          ...DOWNLOADS.map(each => [each, texts.downloadsNames[each]] as const),
        ]}
        onChoose={downloads => change({ downloads })}
      />
    </div>
  );
}
