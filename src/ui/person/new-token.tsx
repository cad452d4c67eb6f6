/** The form for a new API token, and the token itself, which is shown once. */
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { z } from 'zod';
import type { Permission } from '../../protocol/people/decide.ts';
import type { newTokenResponseSchema } from '../../protocol/people/people.ts';
import { call } from '../api/call.ts';
import { useAction } from '../api/use-action.ts';
import { Copyable } from '../components/copyable.tsx';
import { ErrorText } from '../components/notice.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { formatScope, type SiteNames } from './roles.tsx';
import { listTokenPermissions } from './token-permissions.ts';

const DAY_S = 86_400;
const LIFETIMES_S = { week: 7 * DAY_S, month: 30 * DAY_S, quarter: 90 * DAY_S, year: 365 * DAY_S } as const;
type Lifetime = keyof typeof LIFETIMES_S;
const LIFETIMES = Object.keys(LIFETIMES_S) as readonly Lifetime[];

interface NewTokenProps {
  readonly url: string;
  readonly names: SiteNames;
  readonly onCreated: () => void;
}

export function NewToken({ url, names, onCreated }: NewTokenProps) {
  const { t, format } = useTranslation();
  const { token } = useMe();
  const id = useId();
  const [name, setName] = useState('');
  const [lifetime, setLifetime] = useState<Lifetime>('quarter');
  const [chosen, setChosen] = useState<ReadonlySet<Permission>>();
  const [created, setCreated] = useState<{ readonly name: string; readonly token: string }>();
  const action = useAction();
  const create = async (): Promise<void> => {
    await action.run(async () => {
      if (chosen?.size === 0) throw new Error(t.tokens.chooseOne);
      const body = {
        name: name.trim(),
        expiresInS: LIFETIMES_S[lifetime],
        ...(chosen ? { permissions: [...chosen] } : {}),
      };
      const response = await call<z.infer<typeof newTokenResponseSchema>>(url, {
        method: 'POST',
        token,
        body,
      });
      setCreated({ name: body.name, token: response.token });
      setName('');
      setChosen(undefined);
    });
    onCreated();
  };
  if (created) return <CreatedToken {...created} onClose={() => setCreated(undefined)} />;
  const until = new Date(Date.now() + LIFETIMES_S[lifetime] * 1_000).toISOString();
  return (
    <details data-testid="new-token">
      <summary>{t.tokens.create}</summary>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault();
          void create();
        }}
      >
        <div class="field">
          <label for={`${id}-name`}>{t.tokens.name}</label>
          <input
            id={`${id}-name`}
            name="name"
            required
            maxLength={200}
            autocomplete="off"
            aria-describedby={`${id}-hint`}
            value={name}
            onInput={event => setName(event.currentTarget.value)}
          />
          <p class="quiet" id={`${id}-hint`}>
            {t.tokens.nameHint}
          </p>
        </div>
        <div class="field">
          <label for={`${id}-lifetime`}>{t.tokens.expires}</label>
          <select
            id={`${id}-lifetime`}
            name="lifetime"
            aria-describedby={`${id}-until`}
            value={lifetime}
            onChange={event => setLifetime(event.currentTarget.value as Lifetime)}
          >
            {LIFETIMES.map(each => (
              <option key={each} value={each}>
                {t.tokens.lifetimes[each]}
              </option>
            ))}
          </select>
          <p class="quiet" id={`${id}-until`}>
            {t.tokens.until(format.date(until))}
          </p>
        </div>
        <PermissionChoice chosen={chosen} onChoose={setChosen} names={names} />
        <ErrorText error={action.error} isWide labels={{ name: t.tokens.name }} />
        <div class="actions full-width">
          <button type="submit" class="primary" disabled={action.isRunning}>
            {t.tokens.create}
          </button>
        </div>
      </form>
    </details>
  );
}

interface PermissionChoiceProps {
  /** Undefined: everything that the person may do. */
  readonly chosen: ReadonlySet<Permission> | undefined;
  readonly onChoose: (chosen: ReadonlySet<Permission> | undefined) => void;
  readonly names: SiteNames;
}

function PermissionChoice({ chosen, onChoose, names }: PermissionChoiceProps) {
  const { t, format } = useTranslation();
  const { me } = useMe();
  const id = useId();
  const available = listTokenPermissions(me?.permissions ?? []);
  const toggle = (permission: Permission, isChosen: boolean): void => {
    const next = new Set(chosen);
    if (isChosen) next.add(permission);
    else next.delete(permission);
    onChoose(next);
  };
  return (
    <fieldset class="full-width choices">
      <legend>{t.tokens.permissions}</legend>
      <div class="checkbox-field">
        <input
          type="radio"
          id={`${id}-all`}
          name={id}
          checked={chosen === undefined}
          aria-describedby={`${id}-all-hint`}
          onChange={() => onChoose(undefined)}
        />
        <div>
          <label for={`${id}-all`}>{t.tokens.all}</label>
          <p class="quiet" id={`${id}-all-hint`}>
            {t.tokens.allHint}
          </p>
        </div>
      </div>
      <div class="checkbox-field">
        <input
          type="radio"
          id={`${id}-some`}
          name={id}
          checked={chosen !== undefined}
          onChange={() => onChoose(new Set())}
        />
        <label for={`${id}-some`}>{t.tokens.chosen}</label>
      </div>
      {chosen && (
        <div class="permissions">
          {available.map(({ permission, scopes }) => (
            <div key={permission} class="checkbox-field">
              <input
                type="checkbox"
                id={`${id}-${permission}`}
                name={permission}
                checked={chosen.has(permission)}
                onChange={event => toggle(permission, event.currentTarget.checked)}
              />
              <label for={`${id}-${permission}`}>
                {t.roles.permissions[permission]}
                <span class="quiet"> · {format.list(scopes.map(scope => formatScope(scope, names, t)))}</span>
              </label>
            </div>
          ))}
        </div>
      )}
    </fieldset>
  );
}

interface CreatedTokenProps {
  readonly name: string;
  readonly token: string;
  readonly onClose: () => void;
}

function CreatedToken({ name, token, onClose }: CreatedTokenProps) {
  const { t } = useTranslation();
  const ref = useRef<HTMLElement>(null);
  useEffect(() => ref.current?.focus(), []);
  return (
    <section
      ref={ref}
      tabIndex={-1}
      class="panel notice-good"
      aria-labelledby="created-token"
      data-testid="created-token"
    >
      <h3 id="created-token">{t.tokens.created(name)}</h3>
      <p>{t.tokens.createdHint}</p>
      <Copyable text={token} testId="token" />
      <p class="quiet">{t.tokens.useHint}</p>
      <pre>Authorization: Bearer trib_…</pre>
      <div class="actions">
        <button type="button" onClick={onClose}>
          {t.common.close}
        </button>
      </div>
    </section>
  );
}
