/** The videos: the sites that store them, their copies with the reasons, and why there are no more copies. */
import type { CopyReport, Placement } from '../../../protocol/copies.ts';
import { Table } from '../../components/table.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { formatPlacementReason } from './placement-reason.ts';

const COLOURS = { complete: 'good', outdated: 'warn', copying: 'warn', leaving: 'quiet' } as const;

export function Placements({ report }: { readonly report: CopyReport }) {
  const { t, format } = useTranslation();
  if (report.placements.length === 0)
    return <p class="quiet">{report.videos === 0 ? t.catalogue.empty : t.copies.noVideos}</p>;
  const { video, origin, size, holders, copies, notCopied } = t.copies.columns;
  return (
    <>
      <Table
        testId="placements"
        label={t.copies.videos}
        columns={[video, origin, size, holders, copies, notCopied]}
      >
        {report.placements.map(placement => (
          <tr key={placement.video} data-video={placement.video}>
            <th scope="row">
              <a href={`/watch/${placement.video}`} dir="auto">
                {placement.name}
              </a>
              {placement.isPrivate && <div class="warn">{t.catalogue.isPrivate}</div>}
            </th>
            <td>{placement.origin.name}</td>
            <td class="number">{format.size(placement.sizeBytes)}</td>
            <td class={placement.holders < 2 ? 'warn' : 'good'}>
              {placement.holders < 2
                ? t.copies.atRisk(format.number(placement.holders))
                : format.number(placement.holders)}
            </td>
            <CopyCell placement={placement} />
            <NotCopiedCell placement={placement} />
          </tr>
        ))}
      </Table>
      {report.more && <p class="quiet">{t.copies.more}</p>}
    </>
  );
}

function CopyCell({ placement }: { readonly placement: Placement }) {
  const { t } = useTranslation();
  if (placement.copies.length === 0) return <td class="quiet empty-cell">{t.common.none}</td>;
  return (
    <td>
      {placement.copies.map(({ site, state, ...reason }) => (
        <div key={site.id}>
          {site.name}: <span class={COLOURS[state]}>{t.copies.states[state]}</span> ·{' '}
          <span class="quiet">{formatPlacementReason(reason, t)}</span>
        </div>
      ))}
    </td>
  );
}

function NotCopiedCell({ placement: { refused, unmet } }: { readonly placement: Placement }) {
  const { t } = useTranslation();
  if (refused.length === 0 && unmet.length === 0) return <td class="quiet empty-cell">{t.common.none}</td>;
  return (
    <td class="warn">
      {unmet.map(reason => (
        <div key={reason.code}>{formatPlacementReason(reason, t)}</div>
      ))}
      {refused.map(({ site, ...reason }) => (
        <div key={site.id}>
          {site.name}: {formatPlacementReason(reason, t)}
        </div>
      ))}
    </td>
  );
}
