/** The form for a new rule. Its fields depend on the kind of rule. */
import { useId, useState } from 'preact/hooks';
import type { CopyReport, PlacementRule } from '../../../protocol/copies.ts';
import { type SelectChoices, SelectOptions } from '../../components/field.tsx';
import { ErrorText } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { EMPTY_RULE, formatRule, getFieldsOfKind, RULE_KINDS, type RuleFields } from './rule-fields.ts';

interface AddRuleProps {
  readonly report: CopyReport;
  readonly send: (rule: unknown) => Promise<void>;
}

export function AddRule({ report, send }: AddRuleProps) {
  const { t } = useTranslation();
  const [fields, setFields] = useState(EMPTY_RULE);
  const [error, setError] = useState<unknown>();
  const set = (changes: Partial<RuleFields>): void => setFields(before => ({ ...before, ...changes }));
  const has = getFieldsOfKind(fields.kind);
  const regions = [...new Set(report.sites.flatMap(({ region }) => region ?? []))];
  const submit = async (): Promise<void> => {
    try {
      await send(formatRule(fields));
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
        <SelectField
          label={t.copies.kind}
          name="kind"
          value={fields.kind}
          options={RULE_KINDS.map(kind => [kind, t.copies.kinds[kind]])}
          onChoose={kind => set({ kind: kind as PlacementRule['kind'] })}
        />
        {has.number && (
          <NumberField
            label={t.copies.quantities[has.number]}
            name="number"
            value={fields.number}
            onInput={number => set({ number })}
          />
        )}
        {has.minPlays && (
          <NumberField
            label={t.copies.minPlays}
            name="plays"
            value={fields.minPlays}
            onInput={minPlays => set({ minPlays })}
          />
        )}
        {has.video && (
          <SelectField
            label={t.copies.columns.video}
            name="video"
            value={fields.video}
            options={[['', ''], ...report.placements.map(({ video, name }) => [video, name] as const)]}
            onChoose={video => set({ video })}
          />
        )}
        <SelectField
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
        {has.inDifferentRegions && (
          <label class="checkbox full-width">
            <input
              type="checkbox"
              name="inDifferentRegions"
              checked={fields.inDifferentRegions}
              onChange={event => set({ inDifferentRegions: event.currentTarget.checked })}
            />{' '}
            {t.copies.differentRegions}
          </label>
        )}
        <ErrorText error={error} isWide />
        <div class="full-width">
          <button type="submit" class="primary">
            {t.admin.add}
          </button>
        </div>
      </form>
    </details>
  );
}

interface NumberFieldProps {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
}

function NumberField({ label, name, value, onInput }: NumberFieldProps) {
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

interface SelectFieldProps {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly options: SelectChoices;
  readonly onChoose: (value: string) => void;
}

function SelectField({ label, name, value, options, onChoose }: SelectFieldProps) {
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
        <SelectOptions options={options} />
      </select>
    </div>
  );
}
