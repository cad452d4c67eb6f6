/** A table of the administrator's, and a moment in it. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { useSpeech } from '../i18n/use-translation.tsx';

interface TableProps {
  readonly testId: string;
  readonly label: string;
  readonly columns: readonly string[];
  readonly children: ComponentChildren;
  /** On a phone each row is a card, unless rows are many and short. */
  readonly isList?: boolean;
}

/** A wide table scrolls by itself, with the keyboard too. */
export function Table({ testId, label, columns, children, isList }: TableProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  // A card has no heading row above it: each cell says itself what it is.
  useLayoutEffect(() => {
    for (const row of body.current?.rows ?? []) {
      for (const cell of row.cells) cell.dataset.label = columns[cell.cellIndex] ?? '';
    }
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be reachable with the keyboard
    // biome-ignore lint/a11y/useSemanticElements: no set of fields, and no landmark: the panel around it is one
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
