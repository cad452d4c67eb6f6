/** The number of selected videos, and what can be done with them. It stays in view while the list scrolls. */
import { useState } from 'preact/hooks';
import type { SiteVideoIds } from '../../../protocol/studio.ts';
import { call } from '../../api/call.ts';
import { useAction } from '../../api/use-action.ts';
import type { GroupNames } from '../../components/audience/use-group-names.ts';
import { ErrorText } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { BulkDialog } from '../bulk/bulk-dialog.tsx';
import type { SeriesChoices } from '../use-series.ts';
import { NOTHING_SELECTED, type Selection, selectAll } from './selection.ts';

interface SelectionBarProps {
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
  /** The videos that the page has loaded. */
  readonly loaded: readonly string[];
  readonly hasMore: boolean;
  /** The query of the list, for its ids. */
  readonly query: string;
  readonly token: string | undefined;
  readonly series: SeriesChoices;
  readonly groups: GroupNames;
  readonly onChanged: () => void;
}

export function SelectionBar(props: SelectionBarProps) {
  const { selection, onSelect, loaded, hasMore, query, token } = props;
  const { t } = useTranslation();
  const [isEditing, setEditing] = useState(false);
  const { isRunning, error, run } = useAction();
  const areLoadedSelected = loaded.length > 0 && loaded.every(id => selection.ids.has(id));
  const selectResults = (): Promise<boolean> =>
    run(async () => {
      const all: string[] = [];
      for (let cursor: string | undefined = ''; cursor !== undefined; ) {
        const page: SiteVideoIds = await call<SiteVideoIds>(
          `/api/video-ids?${query}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
          { token },
        );
        all.push(...page.ids);
        cursor = page.next;
      }
      onSelect(selectAll(selection, all));
    });
  return (
    <div class="selection-bar" data-testid="selection" data-selected={selection.ids.size}>
      <label class="check">
        <input
          type="checkbox"
          checked={areLoadedSelected}
          ref={box => {
            if (box) box.indeterminate = selection.ids.size > 0 && !areLoadedSelected;
          }}
          onChange={() => onSelect(areLoadedSelected ? NOTHING_SELECTED : selectAll(selection, loaded))}
        />
        {selection.ids.size === 0 ? t.studioList.selectShown : t.studioList.selected(selection.ids.size)}
      </label>
      {selection.ids.size > 0 && (
        <>
          {areLoadedSelected && hasMore && (
            <button
              type="button"
              class="plain small"
              disabled={isRunning}
              onClick={() => void selectResults()}
              data-testid="select-results"
            >
              {t.studioList.selectResults}
            </button>
          )}
          <button
            type="button"
            class="primary small"
            onClick={() => setEditing(true)}
            data-testid="bulk-edit"
          >
            {t.studioList.editSelected}
          </button>
          <button type="button" class="plain small" onClick={() => onSelect(NOTHING_SELECTED)}>
            {t.studioList.clearSelection}
          </button>
        </>
      )}
      <ErrorText error={error} />
      {isEditing && (
        <BulkDialog
          ids={[...selection.ids]}
          token={token}
          series={props.series}
          groups={props.groups}
          onChanged={props.onChanged}
          onClose={() => setEditing(false)}
        />
      )}
    </div>
  );
}
