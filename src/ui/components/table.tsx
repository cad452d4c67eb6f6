/** A table that scrolls or becomes cards on a phone, and a cell with a time. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { useTranslation } from '../i18n/use-translation.tsx';

interface TableProps {
  readonly testId: string;
  readonly label: string;
  readonly columns: readonly string[];
  readonly children: ComponentChildren;
  /** Rows are many and short, so they stay rows on a phone. Otherwise each row becomes a card. */
  readonly isList?: boolean;
}

/** A wide table scrolls within its panel, also with the keyboard. */
export function Table({ testId, label, columns, children, isList }: TableProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  // A card has no heading row, so each cell carries the name of its column.
  useLayoutEffect(() => {
    for (const row of body.current?.rows ?? []) {
      for (const cell of row.cells) cell.dataset.label = columns[cell.cellIndex] ?? '';
    }
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable with the keyboard
    // biome-ignore lint/a11y/useSemanticElements: it is neither a set of fields nor a landmark: the panel around it is one
    <div role="group" class="scroll" tabIndex={0} aria-label={label}>
      <table class={isList ? '' : 'by-row'} data-testid={testId}>
        <thead>
          <tr>
            {columns.map(column => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body}>{children}</tbody>
      </table>
    </div>
  );
}

export function TimeCell({ time, never }: { readonly time: string | undefined; readonly never?: string }) {
  const { t, format } = useTranslation();
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
