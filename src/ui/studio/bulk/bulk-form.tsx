/** Chooses what to change in many videos. */
import type { GroupNames } from '../../components/audience/use-group-names.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { AudienceChoice } from '../audience-choice.tsx';
import { SelectInput, TextInput } from '../details/inputs.tsx';
import { TagsInput } from '../details/tags-input.tsx';
import type { SeriesChoices } from '../use-series.ts';
import { type BulkDraft, CHANGES, type Change } from './bulk-edit.ts';

interface BulkFormProps {
  readonly draft: BulkDraft;
  readonly onChange: (draft: BulkDraft) => void;
  readonly series: SeriesChoices;
  readonly groups: GroupNames;
}

export function BulkForm({ draft, onChange, series, groups }: BulkFormProps) {
  const { t } = useTranslation();
  const texts = t.bulk;
  const change = (part: Partial<BulkDraft>): void => onChange({ ...draft, ...part });
  const kind = draft.change;
  return (
    <div class="stack">
      <SelectInput
        name="change"
        label={texts.what}
        value={kind}
        options={CHANGES.map(each => [each, texts.changes[each]] as const)}
        onChoose={chosen => change({ change: chosen as Change })}
      />
      {kind === 'series' && (
        <SelectInput
          name="series"
          label={t.details.series}
          value={draft.series}
          options={[['', t.details.none], ...series.map(({ id, title }) => [id, title] as const)]}
          onChoose={id => change({ series: id })}
        />
      )}
      {(kind === 'addTags' || kind === 'removeTags') && (
        <TagsInput
          label={t.details.tags}
          tags={draft.tags}
          suggestions={[]}
          onChange={tags => change({ tags })}
        />
      )}
      {kind === 'audience' && (
        <AudienceChoice
          value={draft.audience}
          groups={groups}
          onChoose={audience => change({ audience })}
          isOffered={() => true}
        />
      )}
      {(kind === 'publishAt' || kind === 'withdrawAt') && (
        <TextInput
          name={kind}
          type="datetime-local"
          label={texts.changes[kind]}
          hint={texts.dateHint}
          value={draft.at}
          onInput={at => change({ at })}
        />
      )}
      {kind === 'downloads' && (
        <SelectInput
          name="downloads"
          label={t.details.downloads}
          value={draft.downloads}
          options={[
            ['', t.details.downloadsUsual],
            ...(['none', 'source', 'renditions'] as const).map(
              each => [each, t.details.downloadsNames[each]] as const,
            ),
          ]}
          onChoose={downloads => change({ downloads })}
        />
      )}
      {kind === 'withdraw' && <p class="warn">{texts.withdrawHint}</p>}
    </div>
  );
}
