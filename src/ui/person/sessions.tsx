/** The sessions of a person, each with the way to end it. */
import { useState } from 'preact/hooks';
import type { z } from 'zod';
import type { sessionListSchema } from '../../protocol/people/people.ts';
import { ApiError } from '../api/api-error.ts';
import { call } from '../api/call.ts';
import { useAction } from '../api/use-action.ts';
import { usePoll } from '../api/use-poll.ts';
import { Confirm } from '../components/dialog.tsx';
import { Announcement, ErrorNotice, ErrorText } from '../components/notice.tsx';
import { Table, TimeCell } from '../components/table.tsx';
import type { Texts } from '../i18n/texts.ts';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { parseUserAgent } from './user-agent.ts';

type SessionList = z.infer<typeof sessionListSchema>;
type Session = SessionList['sessions'][number];

const REFRESH_MS = 15_000;

export interface PersonProps {
  readonly person: { readonly id: string; readonly name: string };
  /** The person looks at their own account. */
  readonly isSelf: boolean;
}

export function Sessions({ person, isSelf }: PersonProps) {
  const { t } = useTranslation();
  const { token, reload } = useMe();
  const [isEndingAll, setEndingAll] = useState(false);
  const [announcement, setAnnouncement] = useState('');
  const action = useAction();
  const url = `/api/people/${person.id}/sessions`;
  const list = usePoll(
    `${url} ${token ?? ''}`,
    abort => call<SessionList>(url, { token, abort }),
    () => REFRESH_MS,
  );
  const sessions = list.value?.sessions ?? [];
  const others = sessions.filter(session => !session.current);
  const end = async (which: readonly Session[]): Promise<void> => {
    await action.run(async () => {
      // A session at a site ends with the session at central from which it was started.
      for (const { id } of which) await call(`${url}/${id}`, { method: 'DELETE', token }).catch(ignoreEnded);
      setAnnouncement(t.sessions.signedOut);
      if (which.some(session => session.current)) reload();
    });
    list.refresh();
  };
  const endAll = (): Promise<void> =>
    isSelf
      ? end(others)
      : action.run(() => call(url, { method: 'DELETE', token })).then(() => list.refresh());
  return (
    <section class="panel" aria-labelledby="sessions" data-testid="sessions">
      <h2 id="sessions">{t.sessions.heading}</h2>
      {isSelf && <p class="quiet">{t.sessions.hint}</p>}
      {list.error !== undefined && <ErrorNotice error={list.error} retry={list.refresh} />}
      {list.value && sessions.length === 0 && <p class="quiet">{t.sessions.none}</p>}
      {sessions.length > 0 && (
        <SessionTable sessions={sessions} isBusy={action.isRunning} onEnd={session => void end([session])} />
      )}
      <ErrorText error={action.error} />
      <Announcement text={announcement} />
      {(isSelf ? others : sessions).length > 0 && (
        <div class="actions">
          <button
            type="button"
            disabled={action.isRunning}
            onClick={() => setEndingAll(true)}
            data-testid="end-all"
          >
            {isSelf ? t.sessions.signOutOthers : t.sessions.signOutAll}
          </button>
        </div>
      )}
      {isEndingAll && (
        <Confirm
          title={isSelf ? t.sessions.othersTitle : t.sessions.allTitle(person.name)}
          text={isSelf ? t.sessions.othersText : t.sessions.allText}
          yes={isSelf ? t.sessions.signOutOthers : t.sessions.signOutAll}
          no={t.common.cancel}
          onYes={() => {
            setEndingAll(false);
            void endAll();
          }}
          onNo={() => setEndingAll(false)}
        />
      )}
    </section>
  );
}

/** It has ended in the meantime. */
function ignoreEnded(error: unknown): void {
  if (!(error instanceof ApiError) || error.code !== 'credential-unknown') throw error;
}

function describeBrowser({ userAgent }: Session, { sessions }: Texts): string {
  const { browser, system } = parseUserAgent(userAgent ?? '');
  const name = browser ?? sessions.unknownBrowser;
  return system === undefined ? name : sessions.on(name, system);
}

interface SessionTableProps {
  readonly sessions: readonly Session[];
  readonly isBusy: boolean;
  readonly onEnd: (session: Session) => void;
}

function SessionTable({ sessions, isBusy, onEnd }: SessionTableProps) {
  const { t, format } = useTranslation();
  const { columns } = t.sessions;
  return (
    <Table
      testId="session-list"
      label={t.sessions.heading}
      columns={[columns.browser, columns.where, columns.from, columns.used, columns.expires, columns.actions]}
    >
      {sessions.map(session => {
        const browser = describeBrowser(session, t);
        return (
          <tr key={session.id} data-session={session.id}>
            <th scope="row" title={session.userAgent}>
              <div>{browser}</div>
              {session.current && <div class="state good">{t.sessions.current}</div>}
              <div class="quiet">
                {columns.started} {format.dateTime(session.createdAt)}
              </div>
            </th>
            <td>{session.site?.name ?? t.sessions.central}</td>
            <td>{session.from ?? t.common.none}</td>
            <TimeCell time={session.lastUsedAt} />
            <TimeCell time={session.expiresAt} />
            <td>
              <button
                type="button"
                class="small"
                disabled={isBusy}
                aria-label={t.sessions.signOutLabel(browser)}
                onClick={() => onEnd(session)}
              >
                {t.sessions.signOut}
              </button>
            </td>
          </tr>
        );
      })}
    </Table>
  );
}
