/** The copies of videos: where they are stored, the rules for them, and the sites that store them. */
import { useState } from 'preact/hooks';
import type { Site } from '../../../protocol/central.ts';
import type {
  CopyReport,
  LossResponse,
  PlacementRule,
  RulesPreview,
  StoredRule,
} from '../../../protocol/copies.ts';
import { call } from '../../api/call.ts';
import { usePoll } from '../../api/use-poll.ts';
import { ErrorNotice } from '../../components/notice.tsx';
import { OutcomeNotice, useOutcome } from '../../components/use-outcome.tsx';
import { type SiteHealth, type StaleSince, siteHealth } from '../../health/health.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { AddRule } from './add-rule.tsx';
import { CopySites } from './copy-sites.tsx';
import { Placements } from './placements.tsx';
import { RuleList } from './rule-list.tsx';
import { formatRuleSentence } from './rule-sentence.ts';
import { ConfirmChange, fetchPreview, type RulesChange } from './rules-change.tsx';

/** Central computes a placement plan for each request, so it is not asked every second. */
const REFRESH_MS = 5_000;
const MAX_PLACEMENTS = 50;

interface CopiesState {
  readonly report: CopyReport;
  readonly rules: readonly StoredRule[];
}

async function fetchCopies(
  token: string | undefined,
  isAtRisk: boolean,
  abort: AbortSignal,
): Promise<CopiesState> {
  const options = { token, abort };
  const filter = isAtRisk ? '&only=at-risk' : '';
  const [report, { rules }] = await Promise.all([
    call<CopyReport>(`/api/copies?limit=${MAX_PLACEMENTS}${filter}`, options),
    call<{ rules: readonly StoredRule[] }>('/api/placement-rules', options),
  ]);
  return { report, rules };
}

interface CopiesProps {
  readonly token: string | undefined;
  readonly sites: readonly Site[];
  readonly stale: StaleSince;
}

export function Copies({ token, sites, stale }: CopiesProps) {
  const { t } = useTranslation();
  const [isAtRisk, setAtRisk] = useState(false);
  const { value, error, refresh } = usePoll(
    `${token} ${isAtRisk}`,
    abort => fetchCopies(token, isAtRisk, abort),
    () => REFRESH_MS,
  );
  const outcome = useOutcome(refresh);
  const healthOf = (id: string): SiteHealth | undefined => {
    const found = sites.find(site => site.id === id);
    return found && siteHealth(found, stale);
  };
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
          <Placements report={value.report} healthOf={healthOf} />
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
          <Rules token={token} state={value} outcome={outcome} />
        </>
      )}
    </section>
  );
}

interface RulesProps {
  readonly token: string | undefined;
  readonly state: CopiesState;
  readonly outcome: ReturnType<typeof useOutcome>;
}

/** The rules. Each change that deletes copies is confirmed first, and a removed rule can be restored. */
function Rules({ token, state: { rules, report }, outcome }: RulesProps) {
  const { t, format } = useTranslation();
  const [change, setChange] = useState<RulesChange>();
  const add = async (rule: PlacementRule): Promise<void> => {
    await call('/api/placement-rules', { method: 'POST', token, body: rule });
  };
  const make = (confirmed: RulesChange, { copies, undoS }: RulesPreview): Promise<void> =>
    outcome.run(async () => {
      if (confirmed.kind === 'add') {
        await add(confirmed.rule);
        return t.copies.ruleAdded;
      }
      await call(`/api/placement-rules/${confirmed.id}`, { method: 'DELETE', token });
      const endsAt = new Date(Date.now() + undoS * 1_000).toISOString();
      return t.copies.ruleRemoved(copies, format.timeOrDate(endsAt, Date.now()));
    });
  return (
    <>
      <RuleList
        rules={rules}
        report={report}
        onRemove={({ id }, sentence) => setChange({ kind: 'remove', id, sentence })}
        onRestore={({ id }) =>
          outcome.run(async () => {
            await call(`/api/placement-rules/${id}/restore`, { method: 'POST', token });
            return t.copies.ruleRestored;
          })
        }
      />
      <AddRule
        report={report}
        send={async body => {
          // Central validates the rule with the preview.
          const rule = body as PlacementRule;
          const { copies } = await fetchPreview({ kind: 'add', rule }, token);
          const sentence = formatRuleSentence(rule, { report, texts: t.copies, format });
          if (copies > 0) return setChange({ kind: 'add', rule, sentence });
          await outcome.run(async () => {
            await add(rule);
            return t.copies.ruleAdded;
          });
        }}
      />
      {change && (
        <ConfirmChange
          change={change}
          token={token}
          onYes={preview => {
            setChange(undefined);
            void make(change, preview);
          }}
          onNo={() => setChange(undefined)}
        />
      )}
    </>
  );
}
