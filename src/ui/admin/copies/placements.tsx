/** Videos: who holds them, who is to, and why not more. */
import type { CopyReport, Placement } from '../../../protocol/copies.ts';
import { Table } from '../../components/table.tsx';
import { useSpeech } from '../../i18n/use-translation.tsx';
import { sayWhy } from './placement-reason.ts';

const COLOURS = { complete: 'good', outdated: 'warn', copying: 'warn', leaving: 'quiet' } as const;

export function Placements({ report }: { readonly report: CopyReport }) {
  const { t, format } = useSpeech();
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
            <RefusalCell placement={placement} />
          </tr>
        ))}
      </Table>
      {report.more && <p class="quiet">{t.copies.more}</p>}
    </>
  );
}

function CopyCell({ placement }: { readonly placement: Placement }) {
  const { t } = useSpeech();
  if (placement.copies.length === 0) return <td class="quiet nothing">{t.common.none}</td>;
  return (
    <td>
      {placement.copies.map(({ site, state, ...why }) => (
        <div key={site.id}>
          {site.name}: <span class={COLOURS[state]}>{t.copies.states[state]}</span>{' '}
          <span class="quiet">{sayWhy(why, t)}</span>
        </div>
      ))}
    </td>
  );
}

function RefusalCell({ placement: { refused, unmet } }: { readonly placement: Placement }) {
  const { t } = useSpeech();
  if (refused.length === 0 && unmet.length === 0) return <td class="quiet nothing">{t.common.none}</td>;
  return (
    <td class="warn">
      {unmet.map(why => (
        <div key={why.code}>{sayWhy(why, t)}</div>
      ))}
      {refused.map(({ site, ...why }) => (
        <div key={site.id}>
          {site.name}: {sayWhy(why, t)}
        </div>
      ))}
    </td>
  );
}
