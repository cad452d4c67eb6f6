/** The audit log: filters, the entries as sentences, and the export. The filters are in the address. */
import type { z } from 'zod';
import type { auditPageSchema } from '../../protocol/people/audit.ts';
import { call } from '../api/call.ts';
import { listUnique } from '../api/pages.ts';
import { usePages } from '../api/use-pages.ts';
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
  const query = formatQuery(filter);
  const { first, pages, hasMore, loadMore, error, refresh } = usePages<AuditPage>(
    `${token ?? ''} ${query}`,
    (after, abort) => {
      const page = new URLSearchParams(query);
      page.set('order', 'newest');
      page.set('limit', String(PAGE_ENTRIES));
      if (after !== undefined) page.set('after', String(after));
      return call<AuditPage>(`/api/audit?${page}`, { token, abort });
    },
    REFRESH_MS,
  );
  const entries = listUnique(
    pages.flatMap(page => page.entries),
    ({ seq }) => seq,
  );
  const onFilter = (changed: Partial<Filter>): void => {
    const text = formatQuery({ ...filter, ...changed }, false);
    navigate(text === '' ? '' : `?${text}`);
  };
  return (
    <>
      <Filters key={query} filter={filter} onFilter={onFilter} />
      {error !== undefined && <ErrorNotice error={error} retry={refresh} />}
      <section class="panel" aria-labelledby="entries">
        <div class="row">
          <h2 id="entries">{t.audit.entries}</h2>
          <Export query={query} />
        </div>
        {!first && error === undefined && <p class="quiet">{t.common.loading}</p>}
        {first && entries.length === 0 && (
          <div class="empty" data-testid="no-entries">
            <strong>{t.audit.none}</strong>
          </div>
        )}
        <ol class="entries" data-testid="entries">
          {entries.map(entry => (
            <Entry key={entry.seq} entry={entry} onFilter={onFilter} />
          ))}
        </ol>
        {hasMore && (
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
