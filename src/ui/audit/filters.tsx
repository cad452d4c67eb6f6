/** The filters of the audit log. A text applies when the field is left, or with Enter. */
import { useId } from 'preact/hooks';
import { AUDIT_ACTIONS } from '../../protocol/people/audit-actions.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import type { Filter } from './query.ts';

interface FiltersProps {
  readonly filter: Filter;
  readonly onFilter: (changed: Partial<Filter>) => void;
}

const PARTS = [...new Set(AUDIT_ACTIONS.map(action => action.split('.')[0] ?? ''))];

export function Filters({ filter, onFilter }: FiltersProps) {
  const { t } = useTranslation();
  const { filters } = t.audit;
  const id = useId();
  const isFiltered = Object.values(filter).some(value => value !== '');
  const shared = (name: 'person' | 'object' | 'from' | 'until') => ({
    id: `${id}-${name}`,
    autocomplete: 'off' as const,
    value: filter[name],
    onChange: (event: { readonly currentTarget: HTMLInputElement }) =>
      onFilter({ [name]: event.currentTarget.value }),
  });
  const textField = (name: 'person' | 'object', placeholder?: string) => (
    <div class="field">
      <label for={`${id}-${name}`}>{filters[name]}</label>
      <input type="text" {...(placeholder ? { placeholder } : {})} {...shared(name)} />
    </div>
  );
  const dayField = (name: 'from' | 'until') => (
    <div class="field">
      <label for={`${id}-${name}`}>{filters[name]}</label>
      <input type="date" {...shared(name)} />
    </div>
  );
  return (
    <search class="filters">
      <div class="field">
        <label for={`${id}-action`}>{filters.action}</label>
        <select
          id={`${id}-action`}
          value={filter.action}
          onChange={event => onFilter({ action: event.currentTarget.value })}
        >
          <option value="">{filters.anyAction}</option>
          {PARTS.map(part => (
            <option key={part} value={part}>
              {part}
            </option>
          ))}
          {AUDIT_ACTIONS.filter(action => action.includes('.')).map(action => (
            <option key={action} value={action}>
              {action}
            </option>
          ))}
        </select>
      </div>
      {textField('person')}
      {textField('object', 'video:…')}
      {dayField('from')}
      {dayField('until')}
      {isFiltered && (
        <button
          type="button"
          onClick={() => onFilter({ action: '', person: '', object: '', from: '', until: '' })}
        >
          {t.people.clear}
        </button>
      )}
    </search>
  );
}
