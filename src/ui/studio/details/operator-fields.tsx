/** The fields that the operator has declared, each by its type. */
import { useEffect, useState } from 'preact/hooks';
import type { Field } from '../../../protocol/catalogue/fields.ts';
import { call } from '../../api/call.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import type { FieldDraft } from './draft.ts';
import { SelectInput, TextInput } from './inputs.tsx';

/** Empty while they are not known. */
export function useFields(token: string | undefined): readonly Field[] {
  const [fields, setFields] = useState<readonly Field[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    call<{ readonly fields: readonly Field[] }>('/api/fields', { token, abort: abort.signal }).then(
      list => setFields(list.fields),
      // A site that does not have the list yet shows none.
      () => {},
    );
    return () => abort.abort();
  }, [token]);
  return fields;
}

interface OperatorFieldsProps {
  readonly fields: readonly Field[];
  readonly values: Readonly<Record<string, FieldDraft>>;
  readonly onChange: (values: Readonly<Record<string, FieldDraft>>) => void;
  readonly error: string | undefined;
}

export function OperatorFields({ fields, values, onChange, error }: OperatorFieldsProps) {
  const { t, language } = useTranslation();
  return (
    <>
      {fields.map(field => {
        const label = (language === 'zh' ? field.label.zh : undefined) ?? field.label.en;
        const value = values[field.name];
        const set = (changed: FieldDraft): void => onChange({ ...values, [field.name]: changed });
        const { name } = field;
        if (field.type === 'boolean')
          return (
            <label key={name} class="check">
              <input
                type="checkbox"
                checked={value === true}
                onChange={event => set(event.currentTarget.checked)}
              />
              {label}
            </label>
          );
        if (field.type === 'choices')
          return (
            <fieldset key={name} class="rows">
              <legend class="rows-legend">{label}</legend>
              {(field.values ?? []).map(each => {
                const chosen = Array.isArray(value) ? value : [];
                return (
                  <label key={each} class="check" dir="auto">
                    <input
                      type="checkbox"
                      checked={chosen.includes(each)}
                      onChange={event =>
                        set(
                          event.currentTarget.checked
                            ? [...chosen, each]
                            : chosen.filter(other => other !== each),
                        )
                      }
                    />
                    {each}
                  </label>
                );
              })}
            </fieldset>
          );
        const text = typeof value === 'string' ? value : '';
        return field.type === 'choice' ? (
          <SelectInput
            key={name}
            {...{ name, label, value: text }}
            options={[['', t.details.none], ...(field.values ?? []).map(each => [each, each] as const)]}
            onChoose={set}
          />
        ) : (
          <TextInput
            key={name}
            {...{ name, label, value: text }}
            type={field.type === 'date' ? 'date' : 'text'}
            inputMode={field.type === 'number' ? 'decimal' : 'text'}
            error={field.type === 'number' && text && Number.isNaN(Number(text)) ? error : undefined}
            maxLength={500}
            onInput={set}
          />
        );
      })}
    </>
  );
}
