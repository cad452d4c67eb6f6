/** "What if": a planned change, tried by the tracker on the viewers of the last hour. */
import { useState } from 'preact/hooks';
import type { Site } from '../../protocol/central.ts';
import type { DryRun, PlannedChange } from '../../protocol/tracker.ts';
import { call } from '../api/call.ts';
import { Refusal } from '../components/notice.tsx';
import { useSpeech } from '../i18n/use-translation.tsx';

const KINDS = ['drain', 'down', 'zone', 'weight'] as const;
type Kind = (typeof KINDS)[number];

interface DryRunProps {
  readonly tracker: string;
  readonly token: string;
  readonly sites: readonly Site[];
}

export function DryRunPanel({ tracker, token, sites }: DryRunProps) {
  const { t } = useSpeech();
  const active = sites.filter(site => site.state !== 'revoked' && site.state !== 'invited');
  const [site, setSite] = useState(active[0]?.id ?? '');
  const [kind, setKind] = useState<Kind>('drain');
  const [value, setValue] = useState('');
  const [result, setResult] = useState<DryRun>();
  const [error, setError] = useState<unknown>();
  const run = async (): Promise<void> => {
    try {
      setResult(
        await call<DryRun>(`${tracker}/dry-run`, { method: 'POST', token, body: planOf(kind, site, value) }),
      );
      setError(undefined);
    } catch (cause) {
      setError(cause);
    }
  };
  return (
    <section class="panel" aria-labelledby="dry-run">
      <h2 id="dry-run">{t.explain.simulation.heading}</h2>
      <p class="quiet">{t.explain.simulation.hint}</p>
      <form
        class="form"
        onSubmit={event => {
          event.preventDefault();
          void run();
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
          <select id="plan-kind" value={kind} onChange={event => setKind(event.currentTarget.value as Kind)}>
            {KINDS.map(each => (
              <option key={each} value={each}>
                {t.explain.simulation.kinds[each]}
              </option>
            ))}
          </select>
        </div>
        {(kind === 'zone' || kind === 'weight') && (
          <div class="field whole">
            <label for="plan-value">{kind === 'zone' ? t.admin.zone : t.explain.simulation.weight}</label>
            <input
              id="plan-value"
              value={value}
              required
              onInput={event => setValue(event.currentTarget.value)}
            />
          </div>
        )}
        <Refusal error={error} isWhole />
        <div class="whole">
          <button type="submit" data-testid="try">
            {t.explain.simulation.submit}
          </button>
        </div>
      </form>
      {result && <Result result={result} sites={sites} />}
    </section>
  );
}

function planOf(kind: Kind, site: string, value: string): Partial<PlannedChange> {
  const id = site as Site['id'];
  if (kind === 'zone') {
    const prefixes = value.split(/[\s,，、;；]+/).filter(Boolean);
    return { zones: prefixes.map(prefix => ({ site: id, prefix })) };
  }
  if (kind === 'weight') return { sites: [{ site: id, weight: Number(value) }] };
  return { sites: [{ site: id, ...(kind === 'drain' ? { drained: true } : { down: true }) }] };
}

function Result({ result, sites }: { readonly result: DryRun; readonly sites: readonly Site[] }) {
  const { t, format } = useSpeech();
  const nameOf = (site: string | null): string =>
    sites.find(({ id }) => id === site)?.name ?? t.explain.simulation.nowhere;
  if (result.networks === 0) return <p>{t.explain.simulation.noViewers}</p>;
  return (
    <div data-testid="dry-run-result">
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
