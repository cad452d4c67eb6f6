/** Fields of the details form: each with its label, its hint and its error. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { type SelectChoices, SelectOptions } from '../../components/field.tsx';

interface LabelledProps {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
  readonly children: (ids: {
    readonly id: string;
    readonly describedBy: string | undefined;
  }) => ComponentChildren;
}

export function Labelled({ label, hint, error, children }: LabelledProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div class={error ? 'field invalid' : 'field'}>
      <label for={id}>{label}</label>
      {children({ id, describedBy: described || undefined })}
      {hint && (
        <small id={`${id}-hint`} class="quiet">
          {hint}
        </small>
      )}
      {error && (
        <small id={`${id}-error`} class="bad" role="alert">
          {error}
        </small>
      )}
    </div>
  );
}

interface TextInputProps extends Omit<LabelledProps, 'children'> {
  readonly name: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly maxLength?: number;
  readonly rows?: number;
  readonly type?: 'text' | 'datetime-local' | 'date';
  readonly inputMode?: 'text' | 'decimal' | 'numeric';
  readonly required?: boolean;
  readonly suggestions?: readonly string[];
}

export function TextInput({ name, value, onInput, rows, suggestions, ...props }: TextInputProps) {
  return (
    <Labelled label={props.label} hint={props.hint} error={props.error}>
      {({ id, describedBy }) => {
        const shared = {
          ...{ id, name, value, dir: 'auto' as const, required: props.required ?? false },
          ...(props.maxLength === undefined ? {} : { maxLength: props.maxLength }),
          'aria-describedby': describedBy,
          'aria-invalid': props.error !== undefined,
        };
        return rows === undefined ? (
          <>
            <input
              {...shared}
              type={props.type ?? 'text'}
              inputMode={props.inputMode ?? 'text'}
              {...(suggestions ? { list: `${id}-list` } : {})}
              onInput={event => onInput(event.currentTarget.value)}
            />
            {suggestions && (
              <datalist id={`${id}-list`}>
                {suggestions.map(each => (
                  <option key={each} value={each} />
                ))}
              </datalist>
            )}
          </>
        ) : (
          <textarea {...shared} rows={rows} onInput={event => onInput(event.currentTarget.value)} />
        );
      }}
    </Labelled>
  );
}

interface SelectInputProps extends Omit<LabelledProps, 'children'> {
  readonly name: string;
  readonly value: string;
  readonly options: SelectChoices;
  readonly onChoose: (value: string) => void;
}

export function SelectInput({ name, value, options, onChoose, ...props }: SelectInputProps) {
  return (
    <Labelled {...props}>
      {({ id, describedBy }) => (
        <select
          id={id}
          name={name}
          value={value}
          aria-describedby={describedBy}
          onChange={event => onChoose(event.currentTarget.value)}
        >
          <SelectOptions options={options} />
        </select>
      )}
    </Labelled>
  );
}
