/** Asks before a change of the rules, and says how many copies it deletes, at which sites, and how many bytes. */
import { useEffect, useState } from 'preact/hooks';
import type { PlacementRule, RulesPreview } from '../../../protocol/copies.ts';
import { call } from '../../api/call.ts';
import { Dialog } from '../../components/dialog.tsx';
import { ErrorText } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';

/** A rule to add, or the id of one to remove. */
type Change =
  | { readonly kind: 'add'; readonly rule: PlacementRule }
  | { readonly kind: 'remove'; readonly id: string };
/** A change and the sentence that describes the rule. */
export type RulesChange = Change & { readonly sentence: string };

export const fetchPreview = (
  change: Change,
  token: string | undefined,
  abort?: AbortSignal,
): Promise<RulesPreview> =>
  call<RulesPreview>('/api/placement-rules/preview', {
    method: 'POST',
    body: change.kind === 'add' ? { add: [change.rule] } : { remove: [change.id] },
    token,
    abort,
  });

interface ConfirmChangeProps {
  readonly change: RulesChange;
  readonly token: string | undefined;
  readonly onYes: (preview: RulesPreview) => void;
  readonly onNo: () => void;
}

/** It can be confirmed only once the numbers are known. */
export function ConfirmChange({ change, token, onYes, onNo }: ConfirmChangeProps) {
  const { t } = useTranslation();
  const [preview, setPreview] = useState<RulesPreview>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const control = new AbortController();
    fetchPreview(change, token, control.signal).then(setPreview, cause => {
      if (!control.signal.aborted) setError(cause);
    });
    return () => control.abort();
  }, [change, token]);
  return (
    <Dialog title={t.copies.changeTitle[change.kind]} onClose={onNo} testId="confirm">
      <p>{change.sentence}</p>
      {!preview && error === undefined && <p class="quiet">{t.common.loading}</p>}
      <ErrorText error={error} />
      {preview && <Consequences preview={preview} />}
      <div class="actions actions-end">
        <button type="button" onClick={onNo} data-testid="confirm-no">
          {t.common.cancel}
        </button>
        <button
          type="button"
          class={change.kind === 'remove' || (preview?.copies ?? 0) > 0 ? 'danger' : 'primary'}
          disabled={!preview}
          onClick={() => preview && onYes(preview)}
          data-testid="confirm-yes"
        >
          {change.kind === 'remove' ? t.copies.remove : t.copies.addRule}
        </button>
      </div>
    </Dialog>
  );
}

function Consequences({ preview }: { readonly preview: RulesPreview }) {
  const { t, format } = useTranslation();
  const { copies, bytes, sites, newlyAtRisk, undoS } = preview;
  if (copies === 0) return <p data-testid="consequences">{t.copies.deletesNothing}</p>;
  return (
    <div data-testid="consequences">
      <p class="warn">{t.copies.deletes(copies, format.size(bytes), format.duration(undoS * 1_000))}</p>
      <ul>
        {sites.map(site => (
          <li key={site.id}>{t.copies.deletesAt(site.name, site.copies, format.size(site.bytes))}</li>
        ))}
      </ul>
      {newlyAtRisk > 0 && <p class="bad">{t.copies.newlyAtRisk(newlyAtRisk)}</p>}
    </div>
  );
}
