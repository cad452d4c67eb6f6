/** The signal log: the completeness of the catalogue, the progress of withdrawals, and every signal. */
import type { Signal, Site } from '../../../protocol/central.ts';
import type { Withdrawal } from '../../../protocol/publication/withdrawals.ts';
import { Table, TimeCell } from '../../components/table.tsx';
import { lagOf, type StaleSince, syncState } from '../../health/health.ts';
import type { Format } from '../../i18n/format.ts';
import type { Texts } from '../../i18n/texts.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { ErrorCell } from '../error-cell.tsx';
import { chooseConfirmation } from './confirmation.ts';

interface SignalLogProps {
  readonly sites: readonly Site[];
  readonly signals: readonly Signal[];
  readonly withdrawals: readonly Withdrawal[];
  readonly stale: StaleSince;
  readonly onCollect: (site: Site) => void;
}

export function SignalLog({ sites, signals, withdrawals, stale, onCollect }: SignalLogProps) {
  const { t } = useTranslation();
  const joined = sites.filter(site => site.state !== 'revoked' && site.state !== 'invited');
  return (
    <section class="panel" aria-labelledby="signal-log">
      <h2 id="signal-log">{t.signalLog.heading}</h2>
      <p class="quiet">{t.signalLog.explain}</p>
      <h3>{t.signalLog.completeness}</h3>
      <CompletenessTable sites={joined} stale={stale} onCollect={onCollect} />
      <h3>{t.signalLog.withdrawals}</h3>
      <WithdrawalsTable withdrawals={withdrawals} />
      <h3>{t.signalLog.signals}</h3>
      <SignalsTable signals={signals} />
    </section>
  );
}

function CompletenessTable({
  sites,
  stale,
  onCollect,
}: Pick<SignalLogProps, 'sites' | 'stale' | 'onCollect'>) {
  const { t, format } = useTranslation();
  if (sites.length === 0) return <p class="quiet">{t.admin.noneJoined}</p>;
  const { site: name, complete, lag, pending, epoch, collected, error, actions } = t.signalLog.columns;
  return (
    <Table
      testId="completeness"
      label={t.signalLog.completeness}
      columns={[name, complete, lag, pending, epoch, collected, error, actions]}
    >
      {sites.map(site => (
        <tr key={site.id} data-site={site.id}>
          <th scope="row">{site.name}</th>
          <td>
            <Completeness site={site} stale={stale} />
          </td>
          <td class="number">{formatLag(lagOf(site, stale), t.signalLog, format)}</td>
          <td class="number">{format.number(site.pendingSignals)}</td>
          <td class="number">{format.number(site.publication?.epoch ?? 0)}</td>
          <TimeCell time={site.lastCollectedAt} />
          <ErrorCell code={site.lastErrorCode} detail={site.lastError} />
          <td>
            <button type="button" class="small" onClick={() => onCollect(site)} data-testid="collect-site">
              {t.admin.collect}
            </button>
          </td>
        </tr>
      ))}
    </Table>
  );
}

const formatLag = (lagMs: number | undefined, texts: Texts['signalLog'], format: Format): string =>
  lagMs === undefined ? texts.lagUnknown : lagMs === 0 ? texts.noLag : format.duration(lagMs);

function Completeness({ site, stale }: { readonly site: Site; readonly stale: StaleSince }) {
  const { t, format } = useTranslation();
  const state = syncState(site, stale);
  switch (state.kind) {
    case 'no-handshake':
      return <span class="quiet">{t.signalLog.noHandshake}</span>;
    case 'not-compared':
      return <span class="quiet">{t.signalLog.notCompared}</span>;
    case 'waiting':
      return (
        <span class="warn" title={state.reason}>
          {t.signalLog.waitingForSite}
        </span>
      );
    case 'unknown': {
      const at = (time: string | undefined) => time && format.timeOrDate(time, Date.now());
      return (
        <span class="warn">{t.signalLog.completenessUnknown(at(state.since), at(state.completeAt))}</span>
      );
    }
    case 'differs':
      return <span class="warn">{t.signalLog.differs(format.timeOrDate(state.since, Date.now()))}</span>;
    case 'complete':
      return (
        <span class="good">
          {t.signalLog.complete(format.timeOrDate(state.at, Date.now()), state.records)}
        </span>
      );
  }
}

function WithdrawalsTable({ withdrawals }: Pick<SignalLogProps, 'withdrawals'>) {
  const { t, format } = useTranslation();
  if (withdrawals.length === 0) return <p class="quiet">{t.signalLog.noWithdrawals}</p>;
  const { video, site, withdrawn, confirmed } = t.signalLog.columns;
  const describe = (waiting: Withdrawal['waitingFor'][number]): string => {
    const state = chooseConfirmation(waiting, Date.now());
    if (state.kind === 'not-seen') return t.signalLog.notSeen(waiting.name);
    return state.kind === 'unreachable'
      ? t.signalLog.unreachable(waiting.name, format.timeOrDate(state.since, Date.now()))
      : t.signalLog.inProgress(waiting.name);
  };
  return (
    <Table testId="withdrawals" label={t.signalLog.withdrawals} columns={[video, site, withdrawn, confirmed]}>
      {withdrawals.map(withdrawal => (
        <tr key={`${withdrawal.site.id} ${withdrawal.video}`} data-video={withdrawal.video}>
          <th scope="row">{withdrawal.name || t.signalLog.unnamed}</th>
          <td>{withdrawal.site.name}</td>
          <TimeCell time={withdrawal.withdrawnAt} />
          <td class={withdrawal.waitingFor.length === 0 ? 'good' : 'warn'}>
            {format.list([
              t.signalLog.confirmed(format.number(withdrawal.confirmed), format.number(withdrawal.sites)),
              ...withdrawal.waitingFor.map(describe),
            ])}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function SignalsTable({ signals }: Pick<SignalLogProps, 'signals'>) {
  const { t, format } = useTranslation();
  if (signals.length === 0) return <p class="quiet">{t.signalLog.noSignals}</p>;
  const { site, received, handled, attempts, records, error } = t.signalLog.columns;
  return (
    <Table
      testId="signals"
      isList
      label={t.signalLog.signals}
      columns={[site, received, handled, attempts, records, error]}
    >
      {signals.map(signal => (
        <tr key={signal.id}>
          <th scope="row">{signal.site.name}</th>
          <TimeCell time={signal.receivedAt} />
          <TimeCell time={signal.handledAt} never={t.signalLog.pending} />
          <td class="number">{format.number(signal.attempts)}</td>
          <td class="number">
            {signal.records === undefined ? t.common.none : format.number(signal.records)}
          </td>
          <ErrorCell code={signal.errorCode} detail={signal.lastError} />
        </tr>
      ))}
    </Table>
  );
}
