/** The roles of a person or a group. Each change applies at once; only roles that this person may give and take can be changed. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Assignment } from '../../protocol/people/decide.ts';
import { useAction } from '../api/use-action.ts';
import { Confirm } from '../components/dialog.tsx';
import { ErrorText } from '../components/notice.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { formatAssignment, type SiteNames } from '../person/roles.tsx';
import { isAssignable, isSameAssignment } from './assignable.ts';
import { firstChoice, RolePicker, useAssignable } from './role-picker.tsx';

interface RolesSectionProps {
  readonly roles: readonly Assignment[];
  readonly names: SiteNames;
  /** Shown if there are no roles. */
  readonly none: string;
  /** @throws ApiError */
  readonly onChange: (roles: readonly Assignment[], outcome: string) => Promise<void>;
  readonly children?: ComponentChildren;
}

export function RolesSection({ roles, names, none, onChange, children }: RolesSectionProps) {
  const { t } = useTranslation();
  const { me } = useMe();
  const [removing, setRemoving] = useState<Assignment>();
  const action = useAction();
  const texts = t.people.roles;
  const holder = { permissions: me?.permissions ?? [] };
  const remove = async (assignment: Assignment): Promise<void> => {
    setRemoving(undefined);
    const rest = roles.filter(each => !isSameAssignment(each, assignment));
    await action.run(() => onChange(rest, texts.removed(formatAssignment(assignment, names, t))));
  };
  return (
    <section class="panel" aria-labelledby="roles" data-testid="roles">
      <h2 id="roles">{texts.heading}</h2>
      {roles.length === 0 && <p class="quiet">{none}</p>}
      <ul class="role-list">
        {roles.map(assignment => (
          <li key={JSON.stringify(assignment)} class="role-row" data-role={assignment.role}>
            <div>
              <strong>{formatAssignment(assignment, names, t)}</strong>
              <p class="quiet">{t.roles.descriptions[assignment.role]}</p>
            </div>
            {isAssignable(holder, assignment) ? (
              <button
                type="button"
                class="small"
                disabled={action.isRunning}
                aria-label={texts.remove(formatAssignment(assignment, names, t))}
                onClick={() => setRemoving(assignment)}
              >
                {texts.removeButton}
              </button>
            ) : (
              <span class="quiet">{texts.notYours}</span>
            )}
          </li>
        ))}
      </ul>
      {children}
      <ErrorText error={action.error} />
      <AddRole roles={roles} names={names} onAdd={onChange} />
      {removing && (
        <Confirm
          title={texts.removeTitle(formatAssignment(removing, names, t))}
          text={texts.removeText}
          yes={texts.removeButton}
          no={t.common.cancel}
          onYes={() => void remove(removing)}
          onNo={() => setRemoving(undefined)}
        />
      )}
    </section>
  );
}

interface AddRoleProps {
  readonly roles: readonly Assignment[];
  readonly names: SiteNames;
  readonly onAdd: RolesSectionProps['onChange'];
}

function AddRole({ roles, names, onAdd }: AddRoleProps) {
  const { t } = useTranslation();
  const assignable = useAssignable(names);
  const [chosen, setChosen] = useState<Assignment>();
  const action = useAction();
  const value = chosen ?? firstChoice(assignable);
  if (!value) return null;
  const add = async (): Promise<void> => {
    if (roles.some(each => isSameAssignment(each, value))) return;
    const isAdded = await action.run(() =>
      onAdd([...roles, value], t.people.roles.added(formatAssignment(value, names, t))),
    );
    if (isAdded) setChosen(undefined);
  };
  return (
    <details data-testid="add-role">
      <summary>{t.people.roles.add}</summary>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault();
          void add();
        }}
      >
        <RolePicker assignable={assignable} value={value} onChoose={setChosen} names={names} />
        <ErrorText error={action.error} isWide />
        <div class="actions full-width">
          <button type="submit" class="primary" disabled={action.isRunning}>
            {t.people.roles.add}
          </button>
        </div>
      </form>
    </details>
  );
}
