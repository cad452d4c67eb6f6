/** A new rule. The kind says which fields there are. */
import { useId, useState } from 'preact/hooks';
import type { CopyReport, PlacementRule } from '../../../protocol/copies.ts';
import { Refusal } from '../../components/notice.tsx';
import { useSpeech } from '../../i18n/use-translation.tsx';
import { EMPTY_RULE, type RuleFields, ruleOf, whichFields } from './rule-fields.ts';

const KINDS: readonly PlacementRule['kind'][] = ['at-least', 'hot', 'stays', 'at-most', 'by-hand'];

interface AddRuleProps {
  readonly report: CopyReport;
  readonly send: (rule: unknown) => Promise<void>;
}

export function AddRule({ report, send }: AddRuleProps) {
  const { t } = useSpeech();
  const [fields, setFields] = useState(EMPTY_RULE);
  const [error, setError] = useState<unknown>();
  const set = (changes: Partial<RuleFields>): void => setFields(before => ({ ...before, ...changes }));
  const has = whichFields(fields.kind);
  const regions = [...new Set(report.sites.flatMap(({ region }) => region ?? []))];
  const submit = async (): Promise<void> => {
    try {
      await send(ruleOf(fields));
      setFields(EMPTY_RULE);
      setError(undefined);
    } catch (cause) {
      setError(cause);
    }
  };
  return (
    <details data-testid="add-rule">
      <summary>{t.copies.addRule}</summary>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault();
          void submit();
        }}
      >
        <Choice
          label={t.copies.kind}
          name="kind"
          value={fields.kind}
          options={KINDS.map(kind => [kind, t.copies.kinds[kind]])}
          onChoose={kind => set({ kind: kind as PlacementRule['kind'] })}
        />
        {has.number && (
          <Entry
            label={t.copies.quantities[has.number]}
            name="number"
            value={fields.number}
            onInput={number => set({ number })}
          />
        )}
        {has.plays && (
          <Entry
            label={t.copies.minPlays}
            name="plays"
            value={fields.plays}
            onInput={plays => set({ plays })}
          />
        )}
        {has.video && (
          <Choice
            label={t.copies.columns.video}
            name="video"
            value={fields.video}
            options={[['', ''], ...report.placements.map(({ video, name }) => [video, name] as const)]}
            onChoose={video => set({ video })}
          />
        )}
        <Choice
          label={t.copies.columns.site}
          name="where"
          value={fields.where}
          options={[
            ...(has.video ? [['', ''] as const] : [['all', t.copies.everySite] as const]),
            ...(has.video
              ? []
              : regions.map(region => [`region ${region}`, t.copies.inRegion(region)] as const)),
            ...report.sites.map(({ id, name }) => [`site ${id}`, name] as const),
          ]}
          onChoose={where => set({ where })}
        />
        {has.apart && (
          <label class="check whole">
            <input
              type="checkbox"
              name="apart"
              checked={fields.apart}
              onChange={event => set({ apart: event.currentTarget.checked })}
            />{' '}
            {t.copies.differentRegions}
          </label>
        )}
        <Refusal error={error} isWhole />
        <div class="whole">
          <button type="submit" class="primary">
            {t.admin.add}
          </button>
        </div>
      </form>
    </details>
  );
}

interface EntryProps {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
}

function Entry({ label, name, value, onInput }: EntryProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        value={value}
        required
        inputMode="decimal"
        pattern="[0-9]+([.][0-9]+)?"
        onInput={event => onInput(event.currentTarget.value)}
      />
    </div>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly options: readonly (readonly [string, string])[];
  readonly onChoose: (value: string) => void;
}

function Choice({ label, name, value, options, onChoose }: ChoiceProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        name={name}
        value={value}
        required
        onChange={event => onChoose(event.currentTarget.value)}
      >
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
