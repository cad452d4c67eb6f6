/** Who can watch a private video: an operator creates links, sees the active ones and revokes them. */
import { useId, useState } from 'preact/hooks';
import type { Grant } from '../../../protocol/rights.ts';
import { call } from '../../api/call.ts';
import { usePoll } from '../../api/use-poll.ts';
import { Confirm } from '../../components/dialog.tsx';
import { ErrorNotice, ErrorText } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { formatQuery } from '../../stream/play-response.ts';

const REFRESH_MS = 5_000;
const PAGE_SIZE = 100;
const HOUR_S = 3_600;
const LIFETIMES = ['hour', 'day', 'week', 'month', 'year'] as const;
type Lifetime = (typeof LIFETIMES)[number];
const SECONDS: Readonly<Record<Lifetime, number>> = {
  hour: HOUR_S,
  day: 24 * HOUR_S,
  week: 7 * 24 * HOUR_S,
  month: 30 * 24 * HOUR_S,
  year: 365 * 24 * HOUR_S,
};

interface GrantPage {
  readonly grants: readonly Grant[];
  readonly next?: string;
}

/** The first pages of the valid grants, newest first. */
async function fetchGrants(
  url: string,
  pages: number,
  options: { readonly token: string | undefined; readonly abort: AbortSignal },
): Promise<{ readonly grants: readonly Grant[]; readonly hasMore: boolean }> {
  const grants: Grant[] = [];
  let next: string | undefined;
  for (let page = 0; page < pages && (page === 0 || next !== undefined); page++) {
    const found: GrantPage = await call(
      `${url}${formatQuery({ limit: String(PAGE_SIZE), cursor: next })}`,
      options,
    );
    grants.push(...found.grants);
    next = found.next;
  }
  return { grants, hasMore: next !== undefined };
}

interface PrivateLinksProps {
  readonly video: string;
  /** Absent: the session of the person counts. */
  readonly token: string | undefined;
}

export function PrivateLinks({ video, token }: PrivateLinksProps) {
  const { t } = useTranslation();
  const url = `/api/videos/${encodeURIComponent(video)}/grants`;
  const [pages, setPages] = useState(1);
  const list = usePoll(
    `${url} ${pages}`,
    abort => fetchGrants(url, pages, { token, abort }),
    () => REFRESH_MS,
  );
  const [isRevokingAll, setRevokingAll] = useState(false);
  const [error, setError] = useState<unknown>();
  const act = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
      setError(undefined);
    } catch (cause) {
      setError(cause);
    }
    list.refresh();
  };
  const createLink = ({ lifetime, note, origins }: NewLink): Promise<Grant> =>
    call<Grant>(url, {
      method: 'POST',
      token,
      body: { lifetimeS: SECONDS[lifetime], note, ...(origins.length > 0 ? { origins } : {}) },
    });
  const revoke = (path: string): Promise<void> => act(() => call(url + path, { method: 'DELETE', token }));
  const grants = list.value?.grants;
  return (
    <section class="panel" aria-labelledby="private-links" data-testid="private-links">
      <h2 id="private-links">{t.links.heading}</h2>
      <p class="quiet">{t.links.explain}</p>
      <NewLinkForm onCreate={link => act(() => createLink(link))} />
      <ErrorText error={error} />
      {list.error !== undefined && <ErrorNotice error={list.error} retry={list.refresh} />}
      {grants?.length === 0 && <p class="quiet">{t.links.none}</p>}
      <ul class="stack plain-list">
        {grants?.map(grant => (
          <LinkRow key={grant.id} grant={grant} onRevoke={() => void revoke(`/${grant.id}`)} />
        ))}
      </ul>
      {grants && grants.length > 1 && (
        <div class="actions">
          {list.value?.hasMore && (
            <button type="button" class="small" onClick={() => setPages(pages + 1)} data-testid="more-links">
              {t.catalogue.more}
            </button>
          )}
          <button
            type="button"
            class="plain small"
            onClick={() => setRevokingAll(true)}
            data-testid="revoke-all"
          >
            {t.links.revokeAll}
          </button>
        </div>
      )}
      {isRevokingAll && (
        <Confirm
          title={t.links.revokeAllTitle}
          text={t.links.revokeAllText}
          yes={t.links.revokeAll}
          no={t.common.cancel}
          onYes={() => {
            setRevokingAll(false);
            void revoke('');
          }}
          onNo={() => setRevokingAll(false)}
        />
      )}
    </section>
  );
}

interface NewLink {
  readonly lifetime: Lifetime;
  readonly note: string;
  /** The pages in which the video may play. */
  readonly origins: readonly string[];
}

function NewLinkForm({ onCreate }: { readonly onCreate: (link: NewLink) => Promise<void> }) {
  const { t } = useTranslation();
  const id = useId();
  const [lifetime, setLifetime] = useState<Lifetime>('week');
  const [note, setNote] = useState('');
  const [origins, setOrigins] = useState('');
  return (
    <form
      class="form"
      data-testid="new-link"
      onSubmit={event => {
        event.preventDefault();
        const listed = origins.split(/[\s,]+/).filter(origin => origin !== '');
        void onCreate({ lifetime, note, origins: listed }).then(() => setNote(''));
      }}
    >
      <div class="field">
        <label for={`${id}-lifetime`}>{t.links.lifetime}</label>
        <select
          id={`${id}-lifetime`}
          name="lifetime"
          value={lifetime}
          onChange={event => setLifetime(event.currentTarget.value as Lifetime)}
        >
          {LIFETIMES.map(each => (
            <option key={each} value={each}>
              {t.links.lifetimes[each]}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for={`${id}-note`}>{t.links.note}</label>
        <input
          id={`${id}-note`}
          name="note"
          maxLength={200}
          value={note}
          onInput={event => setNote(event.currentTarget.value)}
        />
      </div>
      <div class="field">
        <label for={`${id}-origins`}>{t.links.origins}</label>
        <input
          id={`${id}-origins`}
          name="origins"
          value={origins}
          placeholder="https://learn.example.edu"
          onInput={event => setOrigins(event.currentTarget.value)}
        />
      </div>
      <div class="actions">
        <button type="submit" class="primary">
          {t.links.create}
        </button>
      </div>
    </form>
  );
}

function LinkRow({ grant, onRevoke }: { readonly grant: Grant; readonly onRevoke: () => void }) {
  const { t, format } = useTranslation();
  const id = useId();
  return (
    <li class="stack" data-testid="link-row" data-grant={grant.id}>
      <div class="row">
        <strong>{grant.note || t.links.unnamed}</strong>
        <span class="quiet">{t.links.until(format.dateTime(grant.expiresAt))}</span>
        <button type="button" class="plain small" onClick={onRevoke} data-testid="revoke">
          {t.links.revoke}
        </button>
      </div>
      <label class="visually-hidden" for={id}>
        {t.links.link}
      </label>
      <input
        id={id}
        readOnly
        value={grant.link}
        data-testid="link"
        onFocus={event => event.currentTarget.select()}
      />
      {grant.embed !== undefined && (
        <details>
          <summary>{t.links.embed(grant.origins?.join(', ') ?? '')}</summary>
          <code>{grant.embed}</code>
        </details>
      )}
      {grant.players && (
        <details>
          <summary>{t.links.players}</summary>
          <dl class="facts">
            {Object.entries(grant.players).map(([name, address]) => (
              <div key={name} class="full-width">
                <dt>{t.links.addresses[name as keyof typeof t.links.addresses]}</dt>
                <dd>
                  <code>{address}</code>
                </dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </li>
  );
}
