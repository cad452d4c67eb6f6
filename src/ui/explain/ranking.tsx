/** The complete ranking: every site with its inputs, its reasons and the changes that would alter its rank. */
import { useState } from 'preact/hooks';
import type { Site } from '../../protocol/central.ts';
import type { Explanation } from '../../protocol/tracker.ts';
import { renderFigures } from '../i18n/rendered-figures.ts';
import { useTranslation } from '../i18n/use-translation.tsx';

export function ViewerFacts({
  explanation,
  sites,
}: {
  readonly explanation: Explanation;
  readonly sites: readonly Site[];
}) {
  const { t, format } = useTranslation();
  const { viewer, policy, client } = explanation;
  const zone = sites.find(site => site.id === viewer.zoneSite)?.name;
  const facts: readonly (readonly [string, string | undefined])[] = [
    [t.explain.client, client],
    [t.explain.policy, t.explain.policies[policy]],
    [t.explain.zone, zone && `${zone} (${viewer.zonePrefix})`],
    [t.explain.network, viewer.prefix],
    [t.explain.widerNetwork, viewer.widerNetwork],
    [
      t.explain.bestThroughput,
      viewer.accessLinkBps === undefined ? t.explain.unknown : format.bitrate(viewer.accessLinkBps),
    ],
  ];
  return (
    <dl class="facts">
      {facts.map(([term, text]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{text ?? t.explain.unknown}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A viewer is offered this many sites. Further ones are similar. */
const INITIAL_ROWS = 8;

export function RankingTable({ explanation }: { readonly explanation: Explanation }) {
  const { t, format } = useTranslation();
  const { columns } = t.explain;
  const { ranking } = explanation;
  const [showsAll, setShowsAll] = useState(false);
  const shown = showsAll ? ranking : ranking.slice(0, INITIAL_ROWS);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable with the keyboard */}
      {/* biome-ignore lint/a11y/useSemanticElements: no set of fields, and no landmark: the panel around it is one */}
      <div role="group" class="scroll" tabIndex={0} aria-label={t.explain.ranking}>
        <table class="by-row" data-testid="explanation">
          <thead>
            <tr>
              {[
                columns.rank,
                columns.site,
                columns.expected,
                columns.measured,
                columns.load,
                columns.reasons,
                columns.changes,
              ].map(column => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map(({ site, name, offered, inputs, load, distanceKm, reasons, changes }, at) => (
              <tr key={site} data-site={site} data-offered={offered}>
                <td class="number rank" data-label={columns.rank}>
                  {offered ? at + 1 : '–'}
                </td>
                <th scope="row" data-rank={offered ? at + 1 : '–'}>
                  {name}
                  {distanceKm !== undefined && (
                    <div class="quiet">{t.watch.distance(format.number(Math.round(distanceKm)))}</div>
                  )}
                </th>
                <td class="number" data-label={columns.expected}>
                  {format.bitrate(inputs.expectedBps)}
                </td>
                <td class="number" data-label={columns.measured}>
                  {inputs.measured ? (
                    <>
                      {format.bitrate(inputs.measured.bps)}
                      <div class="quiet">
                        {t.explain.measurement(
                          format.number(inputs.measured.reports),
                          format.duration(inputs.measured.ageS * 1_000),
                        )}
                      </div>
                    </>
                  ) : (
                    t.explain.unknown
                  )}
                </td>
                <td class="number" data-label={columns.load}>
                  {format.number(load)}
                  {inputs.egressLimitBps !== undefined && (
                    <div class="quiet">
                      {format.bitrate(inputs.egressBps + inputs.assignedBps)} /{' '}
                      {format.bitrate(inputs.egressLimitBps)}
                    </div>
                  )}
                </td>
                <td class="sentences" data-label={columns.reasons}>
                  <ul class="plain-list">
                    {reasons.map(({ code, text, figures }) => (
                      <li key={code + text}>{t.ranking.reasons[code](renderFigures(figures, format))}</li>
                    ))}
                  </ul>
                </td>
                <td class="sentences" data-label={columns.changes}>
                  {format.sentences(
                    changes.map(({ code, figures }) =>
                      t.ranking.changes[code](renderFigures(figures, format)),
                    ),
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < ranking.length && (
        <button type="button" class="plain" onClick={() => setShowsAll(true)} data-testid="whole-ranking">
          {t.explain.allSites(format.number(ranking.length))}
        </button>
      )}
    </>
  );
}
