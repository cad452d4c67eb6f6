/** The API tokens of a person. Only the person can create one here; those who manage people can revoke them. */
import { useState } from 'preact/hooks';
import type { z } from 'zod';
import type { apiTokenSchema, tokenListSchema } from '../../protocol/people/people.ts';
import { call } from '../api/call.ts';
import { useAction } from '../api/use-action.ts';
import { usePoll } from '../api/use-poll.ts';
import { Confirm } from '../components/dialog.tsx';
import { Announcement, ErrorNotice, ErrorText } from '../components/notice.tsx';
import { Table, TimeCell } from '../components/table.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { NewToken } from './new-token.tsx';
import { formatScope, type SiteNames } from './roles.tsx';
import type { PersonProps } from './sessions.tsx';
import { groupByPermission } from './token-permissions.ts';

type ApiToken = z.infer<typeof apiTokenSchema>;

const REFRESH_MS = 15_000;

export function Tokens({ person, isSelf, names }: PersonProps & { readonly names: SiteNames }) {
  const { t } = useTranslation();
  const { token } = useMe();
  const [revoking, setRevoking] = useState<ApiToken>();
  const [announcement, setAnnouncement] = useState('');
  const action = useAction();
  const url = `/api/people/${person.id}/tokens`;
  const list = usePoll(
    `${url} ${token ?? ''}`,
    abort => call<z.infer<typeof tokenListSchema>>(url, { token, abort }),
    () => REFRESH_MS,
  );
  const tokens = list.value?.tokens;
  const revoke = async ({ id, name }: ApiToken): Promise<void> => {
    setRevoking(undefined);
    if (await action.run(() => call(`${url}/${id}`, { method: 'DELETE', token })))
      setAnnouncement(t.tokens.revoked(name));
    list.refresh();
  };
  return (
    <section class="panel" aria-labelledby="tokens" data-testid="tokens">
      <h2 id="tokens">{t.tokens.heading}</h2>
      {isSelf && <p class="quiet">{t.tokens.hint}</p>}
      {list.error !== undefined && <ErrorNotice error={list.error} retry={list.refresh} />}
      {tokens?.length === 0 && (
        <p class="quiet">
          {t.tokens.none} {isSelf && t.tokens.noneHint}
        </p>
      )}
      {tokens && tokens.length > 0 && (
        <TokenTable tokens={tokens} names={names} isBusy={action.isRunning} onRevoke={setRevoking} />
      )}
      <ErrorText error={action.error} />
      <Announcement text={announcement} />
      {isSelf && <NewToken url={url} names={names} onCreated={list.refresh} />}
      {revoking && (
        <Confirm
          title={t.tokens.revokeTitle(revoking.name)}
          text={t.tokens.revokeText}
          yes={t.tokens.revoke}
          no={t.common.cancel}
          onYes={() => void revoke(revoking)}
          onNo={() => setRevoking(undefined)}
        />
      )}
    </section>
  );
}

interface TokenTableProps {
  readonly tokens: readonly ApiToken[];
  readonly names: SiteNames;
  readonly isBusy: boolean;
  readonly onRevoke: (token: ApiToken) => void;
}

function TokenTable({ tokens, names, isBusy, onRevoke }: TokenTableProps) {
  const { t, format } = useTranslation();
  const { columns } = t.tokens;
  return (
    <Table
      testId="token-list"
      label={t.tokens.heading}
      columns={[columns.name, columns.permissions, columns.used, columns.expires, columns.actions]}
    >
      {tokens.map(token => (
        <tr key={token.id} data-token={token.id}>
          <th scope="row">
            {token.name}
            <div class="quiet">
              {columns.created} {format.date(token.createdAt)}
            </div>
          </th>
          <td class="sentences">
            <TokenPermissions token={token} names={names} />
          </td>
          <TimeCell time={token.lastUsedAt} />
          {Date.parse(token.expiresAt) < Date.now() ? (
            <td class="bad">{t.tokens.expired}</td>
          ) : (
            <TimeCell time={token.expiresAt} />
          )}
          <td>
            <button
              type="button"
              class="small"
              disabled={isBusy}
              aria-label={t.tokens.revokeLabel(token.name)}
              onClick={() => onRevoke(token)}
            >
              {t.tokens.revoke}
            </button>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function TokenPermissions({ token, names }: { readonly token: ApiToken; readonly names: SiteNames }) {
  const { t, format } = useTranslation();
  if (token.permissions === undefined) return <>{t.tokens.everything}</>;
  return (
    <ul>
      {groupByPermission(token.permissions).map(({ permission, scopes }) => (
        <li key={permission}>
          {t.roles.permissions[permission]}
          {/* A permission for everything is one for the places where the person has it. */}
          {!scopes.includes('everything') && (
            <span class="quiet"> · {format.list(scopes.map(scope => formatScope(scope, names, t)))}</span>
          )}
        </li>
      ))}
    </ul>
  );
}
