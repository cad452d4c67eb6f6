/** Changes many videos: choose what to change, see what it does to each, apply it, and undo it. */
import { useRef, useState } from 'preact/hooks';
import type { VideoEditOfMany, VideoEditResult } from '../../../protocol/studio.ts';
import { call } from '../../api/call.ts';
import { useAction } from '../../api/use-action.ts';
import type { GroupNames } from '../../components/audience/use-group-names.ts';
import { Dialog } from '../../components/dialog.tsx';
import { ErrorText } from '../../components/notice.tsx';
import { useTranslation } from '../../i18n/use-translation.tsx';
import type { SeriesChoices } from '../use-series.ts';
import { type BulkDraft, toEdit } from './bulk-edit.ts';
import { BulkForm } from './bulk-form.tsx';
import { ResultList } from './result-list.tsx';
import { countOutcomes, runEdits, undoOf } from './run-edits.ts';

const PREVIEWED = 20;

interface BulkDialogProps {
  readonly ids: readonly string[];
  readonly token: string | undefined;
  readonly series: SeriesChoices;
  readonly groups: GroupNames;
  readonly onClose: () => void;
  readonly onChanged: () => void;
}

type Stage = 'choose' | 'preview' | 'apply' | 'undo';

/** The steps of a change of many videos: choose, preview, apply, undo. */
function useBulk({ ids, token, onClose, onChanged }: BulkDialogProps) {
  const [draft, setDraft] = useState<BulkDraft>({
    ...{ change: 'addTags', series: '', tags: [], at: '', downloads: '' },
    audience: { audience: 'public', groups: [] },
  });
  const [stage, setStage] = useState<Stage>('choose');
  const [results, setResults] = useState<readonly VideoEditResult[]>([]);
  const [rest, setRest] = useState<readonly VideoEditOfMany[]>([]);
  const [total, setTotal] = useState(0);
  const isStopped = useRef(false);
  const { isRunning, error, run } = useAction();
  const edit = toEdit(draft);
  const edits = edit ? ids.map(id => ({ ...edit, id }) as VideoEditOfMany) : [];

  const send = async (some: readonly VideoEditOfMany[], preview: boolean) =>
    (
      await call<{ readonly results: readonly VideoEditResult[] }>('/api/video-edits', {
        ...{ method: 'POST', body: { edits: some, preview }, token },
      })
    ).results;
  const preview = (): Promise<boolean> =>
    run(async () => {
      setResults(await send(edits.slice(0, PREVIEWED), true));
      setStage('preview');
    });
  const apply = (next: Stage, some: readonly VideoEditOfMany[], isContinued: boolean): Promise<boolean> =>
    run(async () => {
      isStopped.current = false;
      setStage(next);
      if (!isContinued) {
        setResults([]);
        setTotal(some.length);
      }
      setRest(some);
      let left = some;
      setRest(
        await runEdits(some, {
          send: each => send(each, false),
          isStopped: () => isStopped.current,
          onResults(more) {
            left = left.slice(more.length);
            setRest(left);
            setResults(before => [...before, ...more]);
          },
        }),
      );
      onChanged();
    });
  const undo = undoOf(results);
  const isDone = (stage === 'apply' || stage === 'undo') && !isRunning && rest.length === 0;
  const close = (): void => {
    isStopped.current = true;
    onClose();
  };
  return {
    ...{ draft, setDraft, stage, setStage, results, rest, total, edit, edits, undo },
    ...{ isRunning, isDone, error, preview, apply, close },
    stop: () => {
      isStopped.current = true;
    },
  };
}

export function BulkDialog(props: BulkDialogProps) {
  const { ids, series, groups } = props;
  const { t } = useTranslation();
  const texts = t.bulk;
  const bulk = useBulk(props);
  const { draft, stage, setStage, results, rest, total, edits, undo, isRunning, isDone, apply, close } = bulk;
  return (
    <Dialog title={texts.title(ids.length)} onClose={close} wide testId="bulk-dialog">
      {stage === 'choose' && <BulkForm {...{ draft, series, groups }} onChange={bulk.setDraft} />}
      {stage === 'preview' && (
        <>
          <p>{texts.previewHint(Math.min(PREVIEWED, ids.length), ids.length)}</p>
          <ResultList results={results} series={series} />
        </>
      )}
      {(stage === 'apply' || stage === 'undo') && (
        <>
          <progress max={total} value={results.length} aria-label={texts.progress} />
          <p role="status" data-testid="bulk-summary" data-done={String(isDone)}>
            {texts.summary(results.length, total, countOutcomes(results))}
          </p>
          <ResultList results={results.filter(({ outcome }) => outcome === 'refused')} series={series} />
        </>
      )}
      <ErrorText error={bulk.error} />
      <div class="actions actions-end">
        {stage === 'choose' && (
          <button
            type="button"
            class="primary"
            disabled={!bulk.edit || isRunning}
            onClick={() => void bulk.preview()}
          >
            {texts.preview}
          </button>
        )}
        {stage === 'preview' && (
          <>
            <button type="button" onClick={() => setStage('choose')}>
              {texts.backToChoice}
            </button>
            <button
              type="button"
              class={draft.change === 'withdraw' ? 'danger' : 'primary'}
              disabled={isRunning}
              onClick={() => void apply('apply', edits, false)}
              data-testid="bulk-apply"
            >
              {draft.change === 'withdraw' ? texts.withdrawAll(ids.length) : texts.apply(ids.length)}
            </button>
          </>
        )}
        {isRunning && stage !== 'choose' && stage !== 'preview' && (
          <button type="button" onClick={bulk.stop}>
            {texts.stop}
          </button>
        )}
        {!isRunning && rest.length > 0 && (stage === 'apply' || stage === 'undo') && (
          <button type="button" class="primary" onClick={() => void apply(stage, rest, true)}>
            {texts.resume(rest.length)}
          </button>
        )}
        {stage === 'apply' && !isRunning && undo.length > 0 && (
          <button type="button" onClick={() => void apply('undo', undo, false)} data-testid="bulk-undo">
            {texts.undo}
          </button>
        )}
        <button type="button" class="plain" onClick={close}>
          {isDone ? t.common.close : t.common.cancel}
        </button>
      </div>
    </Dialog>
  );
}
