/** The signal desk: how complete the catalogue is, every signal, and how far withdrawals have got. */
import type { Signal, Site } from '../../../protocol/central.ts';
import type { Withdrawal } from '../../../protocol/publication/withdrawals.ts';
import { ServerSentence } from '../../components/notice.tsx';
import { Table, When } from '../../components/table.tsx';
import type { Texts } from '../../i18n/texts.ts';
import { useSpeech } from '../../i18n/use-translation.tsx';

/** A site that asked within this time is at work, not away: it waits at the centre for 25 s at a time. */
const UNREACHABLE_AFTER_MS = 60_000;

interface DeskProps {
  readonly sites: readonly Site[];
  readonly signals: readonly Signal[];
  readonly withdrawals: readonly Withdrawal[];
  readonly onCollect: (site: Site) => void;
}

export function Desk({ sites, signals, withdrawals, onCollect }: DeskProps) {
  const { t } = useSpeech();
  const joined = sites.filter(site => site.state !== 'revoked' && site.state !== 'invited');
  return (
    <section class="panel" aria-labelledby="desk">
      <h2 id="desk">{t.signalLog.heading}</h2>
      <p class="quiet">{t.signalLog.explain}</p>
      <h3>{t.signalLog.completeness}</h3>
      <CompletenessTable sites={joined} onCollect={onCollect} />
      <h3>{t.signalLog.withdrawals}</h3>
      <WithdrawalsTable withdrawals={withdrawals} />
      <h3>{t.signalLog.signals}</h3>
      <SignalsTable signals={signals} />
    </section>
  );
}

function useColumns(): (...keys: readonly (keyof Texts['signalLog']['columns'])[]) => readonly string[] {
  const { t } = useSpeech();
  return (...keys) => keys.map(key => t.signalLog.columns[key]);
}

function Failure({ code, text }: { readonly code: string | undefined; readonly text: string | undefined }) {
  const { t } = useSpeech();
  if (!text) return <td class="quiet nothing">{t.common.none}</td>;
  return (
    <td class="bad">
      {code && <code>{code}</code>} <ServerSentence code={code} text={text} />
    </td>
  );
}

function CompletenessTable({ sites, onCollect }: Pick<DeskProps, 'sites' | 'onCollect'>) {
  const { t, format } = useSpeech();
  const columns = useColumns();
  if (sites.length === 0) return <p class="quiet">{t.admin.noneJoined}</p>;
  return (
    <Table
      testId="desk-sites"
      label={t.signalLog.completeness}
      columns={columns('site', 'complete', 'lag', 'pending', 'epoch', 'collected', 'error', 'actions')}
    >
      {sites.map(site => (
        <tr key={site.id} data-site={site.id}>
          <th scope="row">{site.name}</th>
          <td>
            <Completeness publication={site.publication} />
          </td>
          <td class="number">{site.lagMs === 0 ? t.signalLog.noLag : format.duration(site.lagMs)}</td>
          <td class="number">{format.number(site.pendingSignals)}</td>
          <td class="number">{format.number(site.publication?.epoch ?? 0)}</td>
          <When time={site.lastCollectedAt} />
          <Failure code={site.lastErrorCode} text={site.lastError} />
          <td>
            <button type="button" class="small" onClick={() => onCollect(site)} data-testid="desk-collect">
              {t.admin.collect}
            </button>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Completeness({ publication }: Pick<Site, 'publication'>) {
  const { t, format } = useSpeech();
  if (!publication || publication.epoch === 0) return <span class="quiet">{t.signalLog.noHandshake}</span>;
  const { completeAt, completeRecords = 0, differedAt, waitsBecause } = publication;
  const complete = completeAt && t.signalLog.complete(atTime(completeAt, format), completeRecords);
  if (waitsBecause) {
    return (
      <span class="warn" title={waitsBecause}>
        {t.signalLog.waitingForSite}
      </span>
    );
  }
  if (differedAt) return <span class="warn">{t.signalLog.differs(atTime(differedAt, format))}</span>;
  return <span class={complete ? 'good' : 'quiet'}>{complete ?? t.signalLog.notCompared}</span>;
}

type Formats = ReturnType<typeof useSpeech>['format'];

/** The time alone where it is of the last day. */
const atTime = (timestamp: string, format: Formats): string =>
  Date.now() - Date.parse(timestamp) < 86_400_000
    ? format.time(Date.parse(timestamp))
    : format.dateTime(timestamp);

function WithdrawalsTable({ withdrawals }: Pick<DeskProps, 'withdrawals'>) {
  const { t, format } = useSpeech();
  const columns = useColumns();
  if (withdrawals.length === 0) return <p class="quiet">{t.signalLog.noWithdrawals}</p>;
  const describe = ({ name, lastSeenAt }: Withdrawal['waitingFor'][number]): string => {
    if (!lastSeenAt) return t.signalLog.notSeen(name);
    const isAway = Date.now() - Date.parse(lastSeenAt) > UNREACHABLE_AFTER_MS;
    return isAway ? t.signalLog.unreachable(name, atTime(lastSeenAt, format)) : t.signalLog.inProgress(name);
  };
  return (
    <Table
      testId="withdrawals"
      label={t.signalLog.withdrawals}
      columns={columns('video', 'site', 'withdrawn', 'confirmed')}
    >
      {withdrawals.map(withdrawal => (
        <tr key={`${withdrawal.site.id} ${withdrawal.video}`} data-video={withdrawal.video}>
          <th scope="row">{withdrawal.name || t.signalLog.unnamed}</th>
          <td>{withdrawal.site.name}</td>
          <When time={withdrawal.withdrawnAt} />
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

function SignalsTable({ signals }: Pick<DeskProps, 'signals'>) {
  const { t, format } = useSpeech();
  const columns = useColumns();
  if (signals.length === 0) return <p class="quiet">{t.signalLog.noSignals}</p>;
  return (
    <Table
      testId="signals"
      isList
      label={t.signalLog.signals}
      columns={columns('site', 'received', 'handled', 'attempts', 'records', 'error')}
    >
      {signals.map(signal => (
        <tr key={signal.id}>
          <th scope="row">{signal.site.name}</th>
          <When time={signal.receivedAt} />
          <When time={signal.handledAt} never={t.signalLog.pending} />
          <td class="number">{format.number(signal.attempts)}</td>
          <td class="number">
            {signal.records === undefined ? t.common.none : format.number(signal.records)}
          </td>
          <Failure code={signal.errorCode} text={signal.lastError} />
        </tr>
      ))}
    </Table>
  );
}
