/** A table of the administrator's, and a moment in it. */
import type { ComponentChildren } from 'preact';
import { useSpeech } from '../parts/language.tsx';

interface TableProps {
  readonly testId: string;
  readonly label: string;
  readonly columns: readonly string[];
  readonly children: ComponentChildren;
}

/** A wide table scrolls by itself, with the keyboard too. */
export function Table({ testId, label, columns, children }: TableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable with the keyboard
    <section class="scroll" tabIndex={0} aria-label={label}>
      <table data-testid={testId}>
        <thead>
          <tr>
            {columns.map(column => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

export function When({ time, never }: { readonly time: string | undefined; readonly never?: string }) {
  const { t, format } = useSpeech();
  return (
    <td class="time">
      {time === undefined ? (
        <span class="quiet">{never ?? t.admin.never}</span>
      ) : (
        <time dateTime={time} title={format.dateTime(time)}>
          {format.ago(time, Date.now())}
        </time>
      )}
    </td>
  );
}
