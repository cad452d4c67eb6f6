/** The audit log: filters, the entries as sentences, and the export. The filters are in the address. */
import { useState } from 'preact/hooks';
import type { z } from 'zod';
import type { AuditEntry, auditPageSchema } from '../../protocol/people/audit.ts';
import { call } from '../api/call.ts';
import { usePoll } from '../api/use-poll.ts';
import { navigate, useAddressQuery } from '../browser/use-address.tsx';
import { AdminNavigation } from '../components/admin-navigation.tsx';
import { ErrorNotice } from '../components/notice.tsx';
import { Page, useCentralNavigation } from '../components/page.tsx';
import { RequirePermission } from '../components/sign-in-needed.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { useMe } from '../me/use-me.tsx';
import { Entry } from './entry.tsx';
import { Export } from './export.tsx';
import { Filters } from './filters.tsx';
import { type Filter, formatQuery, readFilter } from './query.ts';

const REFRESH_MS = 15_000;
const PAGE_ENTRIES = 50;

type AuditPage = z.infer<typeof auditPageSchema>;

export function Audit() {
  const { t } = useTranslation();
  return (
    <Page title={t.adminPages.audit} home="/" links={useCentralNavigation('admin')}>
      <AdminNavigation />
      <h1>{t.adminPages.audit}</h1>
      <RequirePermission anyOf={['read-audit']}>
        <Log />
      </RequirePermission>
    </Page>
  );
}

function Log() {
  const { t } = useTranslation();
  const { token } = useMe();
  const filter = readFilter(useAddressQuery());
  const [further, setFurther] = useState<{ readonly key: string; readonly pages: readonly AuditPage[] }>();
  const [moreError, setMoreError] = useState<unknown>();
  const query = formatQuery(filter);
  const key = `${token ?? ''} ${query}`;
  const fetchPage = (after?: string, abort?: AbortSignal): Promise<AuditPage> => {
    const page = new URLSearchParams(query);
    page.set('order', 'newest');
    page.set('limit', String(PAGE_ENTRIES));
    if (after !== undefined) page.set('after', after);
    return call<AuditPage>(`/api/audit?${page}`, { token, abort });
  };
  const first = usePoll(
    key,
    abort => fetchPage(undefined, abort),
    () => REFRESH_MS,
  );
  const pages = first.value ? [first.value, ...(further?.key === key ? further.pages : [])] : [];
  const entries = uniqueEntries(pages);
  const next = pages.at(-1)?.next;
  const loadMore = async (): Promise<void> => {
    try {
      const page = await fetchPage(next);
      setFurther({ key, pages: [...(further?.key === key ? further.pages : []), page] });
      setMoreError(undefined);
    } catch (cause) {
      setMoreError(cause);
    }
  };
  const onFilter = (changed: Partial<Filter>): void => {
    const text = formatQuery({ ...filter, ...changed }, false);
    navigate(text === '' ? '' : `?${text}`);
  };
  const error = first.error ?? moreError;
  return (
    <>
      <Filters key={query} filter={filter} onFilter={onFilter} />
      {error !== undefined && <ErrorNotice error={error} retry={first.refresh} />}
      <section class="panel" aria-labelledby="entries">
        <div class="row">
          <h2 id="entries">{t.audit.entries}</h2>
          <Export query={query} />
        </div>
        {!first.value && error === undefined && <p class="quiet">{t.common.loading}</p>}
        {first.value && entries.length === 0 && (
          <div class="empty" data-testid="no-entries">
            <strong>{t.audit.none}</strong>
          </div>
        )}
        <ol class="entries" data-testid="entries">
          {entries.map(entry => (
            <Entry key={entry.seq} entry={entry} onFilter={onFilter} />
          ))}
        </ol>
        {next !== undefined && (
          <div class="actions">
            <button type="button" onClick={() => void loadMore()} data-testid="more">
              {t.audit.more}
            </button>
          </div>
        )}
      </section>
      <p class="quiet">{t.audit.verifyHint}</p>
    </>
  );
}

/** Entries move to a later page while the first one is read again. */
const uniqueEntries = (pages: readonly AuditPage[]): readonly AuditEntry[] => [
  ...new Map(pages.flatMap(page => page.entries).map(entry => [entry.seq, entry])).values(),
];
