/** The copies of videos: where they are stored, the rules for them, and the sites that store them. */
import { useState } from 'preact/hooks';
import type { CopyReport, LossResponse, StoredRule } from '../../../protocol/copies.ts';
import { call } from '../../api/call.ts';
import { usePoll } from '../../api/use-poll.ts';
import { ErrorNotice } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { OutcomeNotice, useOutcome } from '../use-outcome.tsx';
import { AddRule } from './add-rule.tsx';
import { CopySites } from './copy-sites.tsx';
import { Placements } from './placements.tsx';
import { RuleList } from './rule-list.tsx';

/** Central computes a placement plan for each request, so it is not asked every second. */
const REFRESH_MS = 5_000;
const MAX_PLACEMENTS = 50;

interface CopiesState {
  readonly report: CopyReport;
  readonly rules: readonly StoredRule[];
}

async function fetchCopies(token: string, isAtRisk: boolean, abort: AbortSignal): Promise<CopiesState> {
  const options = { token, abort };
  const filter = isAtRisk ? '&only=at-risk' : '';
  const [report, { rules }] = await Promise.all([
    call<CopyReport>(`/api/copies?limit=${MAX_PLACEMENTS}${filter}`, options),
    call<{ rules: readonly StoredRule[] }>('/api/placement-rules', options),
  ]);
  return { report, rules };
}

export function Copies({ token }: { readonly token: string }) {
  const { t } = useTranslation();
  const [isAtRisk, setAtRisk] = useState(false);
  const { value, error, refresh } = usePoll(
    `${token} ${isAtRisk}`,
    abort => fetchCopies(token, isAtRisk, abort),
    () => REFRESH_MS,
  );
  const outcome = useOutcome(refresh);
  return (
    <section class="panel" aria-labelledby="copies">
      <h2 id="copies">{t.copies.heading}</h2>
      <p class="quiet">{t.copies.explain}</p>
      {error !== undefined && <ErrorNotice error={error} retry={refresh} />}
      <OutcomeNotice outcome={outcome.outcome} onClose={outcome.close} testId="copies-outcome" />
      {!value && error === undefined && <p class="quiet">{t.common.loading}</p>}
      {value && (
        <>
          <p data-testid="copies-summary" class={value.report.atRisk > 0 ? 'warn' : 'good'}>
            {t.copies.summary(value.report.videos, value.report.copies, value.report.atRisk)}
          </p>
          <h3>{t.copies.videos}</h3>
          <label class="checkbox">
            <input
              type="checkbox"
              checked={isAtRisk}
              data-testid="only-at-risk"
              onChange={event => setAtRisk(event.currentTarget.checked)}
            />{' '}
            {t.copies.onlyAtRisk}
          </label>
          <Placements report={value.report} />
          <h3>{t.copies.sites}</h3>
          <CopySites
            report={value.report}
            onRegion={(site, region) =>
              outcome.run(async () => {
                const body = { region: region === '' ? null : region };
                await call(`/api/sites/${site.id}`, { method: 'PATCH', token, body });
                return t.copies.regionSet(site.name, region);
              })
            }
            onLost={site =>
              outcome.run(async () => {
                const url = `/api/sites/${site.id}/lost`;
                const { promoted, lost } = await call<LossResponse>(url, { method: 'POST', token });
                return t.copies.lostDone(site.name, promoted.length, lost.length);
              })
            }
          />
          <h3>{t.copies.rules}</h3>
          <RuleList
            rules={value.rules}
            report={value.report}
            onRemove={({ id }) =>
              outcome.run(async () => {
                await call(`/api/placement-rules/${id}`, { method: 'DELETE', token });
                return t.copies.ruleRemoved;
              })
            }
          />
          <AddRule
            report={value.report}
            send={async body => {
              await call('/api/placement-rules', { method: 'POST', token, body });
              outcome.report(t.copies.ruleAdded);
              refresh();
            }}
          />
        </>
      )}
    </section>
  );
}
