/** Simulates a change: the tracker applies it to the viewers of the last hour, and changes nothing. */
import { useState } from 'preact/hooks';
import type { Site } from '../../protocol/central.ts';
import type { DryRun } from '../../protocol/tracker.ts';
import { call } from '../api/call.ts';
import { ErrorText } from '../components/notice.tsx';
import { useTranslation } from '../i18n/use-translation.tsx';
import { CHANGE_KINDS, type ChangeKind, hasValue, parsePlannedChange } from './planned-change.ts';

interface SimulationProps {
  readonly token: string | undefined;
  readonly sites: readonly Site[];
}

export function SimulationPanel({ token, sites }: SimulationProps) {
  const { t } = useTranslation();
  const active = sites.filter(site => site.state !== 'revoked' && site.state !== 'invited');
  const [site, setSite] = useState(active[0]?.id);
  const [kind, setKind] = useState<ChangeKind>('drain');
  const [value, setValue] = useState('');
  const [result, setResult] = useState<DryRun>();
  const [error, setError] = useState<unknown>();
  const simulate = async (): Promise<void> => {
    if (!site) return;
    try {
      const body = parsePlannedChange({ kind, site, value });
      setResult(await call<DryRun>('/api/dry-run', { method: 'POST', token, body }));
      setError(undefined);
    } catch (cause) {
      setError(cause);
    }
  };
  return (
    <section class="panel" aria-labelledby="simulation">
      <h2 id="simulation">{t.explain.simulation.heading}</h2>
      <p class="quiet">{t.explain.simulation.hint}</p>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault();
          void simulate();
        }}
      >
        <div class="field">
          <label for="plan-site">{t.explain.columns.site}</label>
          <select
            id="plan-site"
            value={site}
            onChange={event => setSite(event.currentTarget.value as Site['id'])}
          >
            {active.map(each => (
              <option key={each.id} value={each.id}>
                {each.name}
              </option>
            ))}
          </select>
        </div>
        <div class="field">
          <label for="plan-kind">{t.explain.simulation.change}</label>
          <select
            id="plan-kind"
            value={kind}
            onChange={event => setKind(event.currentTarget.value as ChangeKind)}
          >
            {CHANGE_KINDS.map(each => (
              <option key={each} value={each}>
                {t.explain.simulation.kinds[each]}
              </option>
            ))}
          </select>
        </div>
        {hasValue(kind) && (
          <div class="field full-width">
            <label for="plan-value">{kind === 'zone' ? t.admin.zone : t.explain.simulation.weight}</label>
            <input
              id="plan-value"
              value={value}
              required
              onInput={event => setValue(event.currentTarget.value)}
            />
          </div>
        )}
        <ErrorText error={error} isWide />
        <div class="full-width">
          <button type="submit" data-testid="simulate">
            {t.explain.simulation.submit}
          </button>
        </div>
      </form>
      {result && <SimulationResult result={result} sites={sites} />}
    </section>
  );
}

function SimulationResult({ result, sites }: { readonly result: DryRun; readonly sites: readonly Site[] }) {
  const { t, format } = useTranslation();
  const nameOf = (site: string | null): string =>
    sites.find(({ id }) => id === site)?.name ?? t.explain.simulation.nowhere;
  if (result.networks === 0) return <p>{t.explain.simulation.noViewers}</p>;
  return (
    <div data-testid="simulation-result">
      <p>
        <strong>{t.explain.simulation.moved(format.percent(result.movedShare), result.networks)}</strong>
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">{t.explain.columns.site}</th>
            <th scope="col">{t.explain.simulation.before}</th>
            <th scope="col">{t.explain.simulation.after}</th>
          </tr>
        </thead>
        <tbody>
          {result.sites.map(({ site, before, after }) => (
            <tr key={site}>
              <th scope="row">{nameOf(site)}</th>
              <td class="number">{format.percent(before)}</td>
              <td class="number">{format.percent(after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {result.moves.length > 0 && (
        <ul>
          {result.moves.map(({ from, to, share }) => (
            <li key={`${from} ${to}`}>
              {t.explain.simulation.move(format.percent(share), nameOf(from), nameOf(to))}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
