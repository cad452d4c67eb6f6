/** A field of a form, with a label and a hint that screen readers read with it. */
import { useId } from 'preact/hooks';

export type SelectChoices = readonly (readonly [value: string, text: string])[];

export interface FieldSpec<Key extends string> {
  readonly key: Key;
  readonly label: string;
  readonly hint?: string;
  readonly required?: boolean;
  readonly kind?: 'text' | 'url' | 'number' | 'lines' | 'secret' | 'email';
  readonly placeholder?: string;
  readonly autocomplete?: 'name' | 'off';
}

/** The labels of the fields by their keys, to name them in errors. */
export const labelsOf = (specs: readonly FieldSpec<string>[]): Readonly<Record<string, string>> =>
  Object.fromEntries(specs.map(({ key, label }) => [key, label]));

const SECRET = { type: 'password', autocomplete: 'off' } as const;
const EMAIL = { type: 'email' } as const;

interface FieldProps {
  readonly spec: FieldSpec<string>;
  readonly value: string;
  readonly onInput: (value: string) => void;
}

export function Field({ spec, value, onInput }: FieldProps) {
  const id = useId();
  const shared = {
    id,
    name: spec.key,
    value,
    required: spec.required ?? false,
    ...(spec.autocomplete ? { autocomplete: spec.autocomplete } : {}),
    ...(spec.placeholder ? { placeholder: spec.placeholder } : {}),
    ...(spec.hint ? { 'aria-describedby': `${id}-hint` } : {}),
  };
  return (
    <div class={spec.kind === 'lines' || spec.kind === 'secret' ? 'field full-width' : 'field'}>
      <label for={id}>{spec.label}</label>
      {spec.kind === 'lines' ? (
        <textarea {...shared} rows={2} onInput={event => onInput(event.currentTarget.value)} />
      ) : (
        <input
          {...shared}
          {...(spec.kind === 'secret' ? SECRET : spec.kind === 'email' ? EMAIL : {})}
          inputMode={spec.kind === 'number' ? 'decimal' : spec.kind === 'url' ? 'url' : 'text'}
          {...(spec.kind === 'number' ? { pattern: '-?[0-9]+([.][0-9]+)?' } : {})}
          onInput={event => onInput(event.currentTarget.value)}
        />
      )}
      {spec.hint && (
        <p class="quiet" id={`${id}-hint`}>
          {spec.hint}
        </p>
      )}
    </div>
  );
}

/** The values of a `select`, with their texts. */
export const SelectOptions = ({ options }: { readonly options: SelectChoices }) =>
  options.map(([value, text]) => (
    <option key={value} value={value}>
      {text}
    </option>
  ));
