/** The trackers and when they were last seen. */
import type { z } from 'zod';
import type { trackerSchema } from '../../../protocol/central.ts';
import { Table, TimeCell } from '../../components/table.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';

export type Tracker = z.infer<typeof trackerSchema>;

export function TrackersTable({ trackers }: { readonly trackers: readonly Tracker[] }) {
  const { t } = useTranslation();
  if (trackers.length === 0) return <p class="quiet">{t.admin.noTrackers}</p>;
  const { name, baseUrl, joined, lastSeen } = t.admin.columns;
  return (
    <Table testId="trackers" label={t.admin.trackers} columns={[name, baseUrl, joined, lastSeen]}>
      {trackers.map(tracker => (
        <tr key={tracker.id}>
          <th scope="row">{tracker.name}</th>
          <td>{tracker.baseUrl}</td>
          <TimeCell time={tracker.joinedAt} never={t.watch.notYet} />
          <TimeCell time={tracker.lastSeenAt} />
        </tr>
      ))}
    </Table>
  );
}
