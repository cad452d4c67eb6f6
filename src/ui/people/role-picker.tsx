/** Chooses a role and its scope, from those that this person may give. */
import { useId } from 'preact/hooks';
import type { Assignment, RoleName, Scope } from '../../protocol/people/decide.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { formatScope, type SiteNames } from '../person/roles.tsx';
import { type AssignableRole, listAssignable } from './assignable.ts';

const SERIES_OPTION = 'series';
/** As the protocol defines the id of a series. */
const SERIES_ID = '[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}';

export function useAssignable(names: SiteNames): readonly AssignableRole[] {
  const { me } = useMe();
  return listAssignable({ permissions: me?.permissions ?? [] }, [...names.keys()]);
}

/** The choice that is offered first. */
export const firstChoice = (assignable: readonly AssignableRole[]): Assignment | undefined => {
  const [first] = assignable;
  const [scope] = first?.scopes ?? [];
  return first && scope !== undefined ? { role: first.role, scope } : undefined;
};

interface RolePickerProps {
  readonly assignable: readonly AssignableRole[];
  readonly value: Assignment;
  readonly onChoose: (assignment: Assignment) => void;
  readonly names: SiteNames;
}

export function RolePicker({ assignable, value, onChoose, names }: RolePickerProps) {
  const { t } = useTranslation();
  const id = useId();
  const current = assignable.find(each => each.role === value.role);
  const scopes = current?.scopes ?? [];
  const listed = scopes.find(each => JSON.stringify(each) === JSON.stringify(value.scope));
  const isSeries = listed === undefined;
  const chooseRole = (role: RoleName): void => {
    const next = assignable.find(each => each.role === role);
    const keeps = next?.scopes.some(each => JSON.stringify(each) === JSON.stringify(value.scope));
    const [fallback] = next?.scopes ?? [];
    const scope = keeps || (isSeries && next?.anySeries) ? value.scope : fallback;
    if (scope !== undefined) onChoose({ role, scope });
  };
  const chooseScope = (option: string): void => {
    const scope: Scope | undefined =
      option === SERIES_OPTION ? { series: '' } : scopes.find(each => JSON.stringify(each) === option);
    if (scope !== undefined) onChoose({ role: value.role, scope });
  };
  return (
    <>
      <div class="field">
        <label for={`${id}-role`}>{t.people.role}</label>
        <select
          id={`${id}-role`}
          name="role"
          aria-describedby={`${id}-hint`}
          value={value.role}
          onChange={event => {
            const role = assignable.find(each => each.role === event.currentTarget.value)?.role;
            if (role) chooseRole(role);
          }}
        >
          {assignable.map(({ role }) => (
            <option key={role} value={role}>
              {t.roles.names[role]}
            </option>
          ))}
        </select>
        <p class="quiet" id={`${id}-hint`}>
          {t.roles.descriptions[value.role]}
        </p>
      </div>
      <div class="field">
        <label for={`${id}-scope`}>{t.people.scope}</label>
        <select
          id={`${id}-scope`}
          name="scope"
          value={isSeries ? SERIES_OPTION : JSON.stringify(listed)}
          onChange={event => chooseScope(event.currentTarget.value)}
        >
          {scopes.map(scope => (
            <option key={JSON.stringify(scope)} value={JSON.stringify(scope)}>
              {scope === 'everything' ? t.people.scopes.everything : formatScope(scope, names, t)}
            </option>
          ))}
          {current?.anySeries && <option value={SERIES_OPTION}>{t.people.scopes.series}</option>}
        </select>
      </div>
      {isSeries && typeof value.scope === 'object' && 'series' in value.scope && (
        <div class="field">
          <label for={`${id}-series`}>{t.people.seriesId}</label>
          <input
            id={`${id}-series`}
            name="series"
            required
            pattern={SERIES_ID}
            autocomplete="off"
            value={value.scope.series}
            onInput={event => onChoose({ role: value.role, scope: { series: event.currentTarget.value } })}
          />
        </div>
      )}
    </>
  );
}
