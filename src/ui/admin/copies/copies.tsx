/** Copies: what stands where and why, what one site alone holds, what would go next, and the rules that say so. */
import { useState } from 'preact/hooks';
import type { CopyReport, LossResponse, StoredRule } from '../../../protocol/copies.ts';
import { call, sentenceOf } from '../../api/call.ts';
import { usePoll } from '../../api/use-poll.ts';
import { ErrorNotice, Notice } from '../../components/notice.tsx';
import { useSpeech } from '../../i18n/use-translation.tsx';
import { AddRule } from './add-rule.tsx';
import { CopySites } from './copy-sites.tsx';
import { Placements } from './placements.tsx';
import { Rules } from './rule-list.tsx';

/** The centre makes a plan for each answer: it is not asked every second. */
const REFRESH_MS = 5_000;
const SHOWN = 50;

interface Everything {
  readonly report: CopyReport;
  readonly rules: readonly StoredRule[];
}

async function fetchCopies(token: string, isAtRisk: boolean, signal: AbortSignal): Promise<Everything> {
  const options = { token, signal };
  const [report, { rules }] = await Promise.all([
    call<CopyReport>(`/api/copies?limit=${SHOWN}${isAtRisk ? '&only=at-risk' : ''}`, options),
    call<{ rules: readonly StoredRule[] }>('/api/placement-rules', options),
  ]);
  return { report, rules };
}

export function Copies({ token }: { readonly token: string }) {
  const { t } = useSpeech();
  const [isAtRisk, setAtRisk] = useState(false);
  const [outcome, setOutcome] = useState<{ readonly text: string; readonly isError: boolean }>();
  const { value, error, refresh } = usePoll(
    `${token} ${isAtRisk}`,
    signal => fetchCopies(token, isAtRisk, signal),
    () => REFRESH_MS,
  );

  const act = async (work: () => Promise<string>): Promise<void> => {
    try {
      setOutcome({ text: await work(), isError: false });
    } catch (cause) {
      setOutcome({ text: sentenceOf(cause, t.errors), isError: true });
    }
    refresh();
  };
  return (
    <section class="panel" aria-labelledby="copies">
      <h2 id="copies">{t.copies.heading}</h2>
      <p class="quiet">{t.copies.explain}</p>
      {error !== undefined && <ErrorNotice error={error} retry={refresh} />}
      {outcome && (
        <Notice
          kind={outcome.isError ? 'error' : 'good'}
          testId="copies-outcome"
          onClose={() => setOutcome(undefined)}
        >
          {outcome.text}
        </Notice>
      )}
      {!value && error === undefined && <p class="quiet">{t.common.loading}</p>}
      {value && (
        <>
          <p data-testid="copies-summary" class={value.report.atRisk > 0 ? 'warn' : 'good'}>
            {t.copies.summary(value.report.videos, value.report.copies, value.report.atRisk)}
          </p>
          <h3>{t.copies.videos}</h3>
          <label class="check">
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
              act(async () => {
                const body = { region: region === '' ? null : region };
                await call(`/api/sites/${site.id}`, { method: 'PATCH', token, body });
                return t.copies.regionSet(site.name, region);
              })
            }
            onLost={site =>
              act(async () => {
                const answer = await call<LossResponse>(`/api/sites/${site.id}/lost`, {
                  method: 'POST',
                  token,
                });
                return t.copies.lostDone(site.name, answer.promoted.length, answer.lost.length);
              })
            }
          />
          <h3>{t.copies.rules}</h3>
          <Rules
            rules={value.rules}
            report={value.report}
            onRemove={({ id }) =>
              act(async () => {
                await call(`/api/placement-rules/${id}`, { method: 'DELETE', token });
                return t.copies.ruleRemoved;
              })
            }
          />
          <AddRule
            report={value.report}
            send={async body => {
              await call('/api/placement-rules', { method: 'POST', token, body });
              setOutcome({ text: t.copies.ruleAdded, isError: false });
              refresh();
            }}
          />
        </>
      )}
    </section>
  );
}
