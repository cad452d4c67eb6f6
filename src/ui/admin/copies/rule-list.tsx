/** The placement rules, each as a sentence. */
import type { CopyReport, StoredRule } from '../../../protocol/copies.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';
import { formatRuleSentence } from './rule-sentence.ts';

interface RuleListProps {
  readonly rules: readonly StoredRule[];
  readonly report: CopyReport;
  readonly onRemove: (rule: StoredRule, sentence: string) => void;
  readonly onRestore: (rule: StoredRule) => void;
}

export function RuleList({ rules, report, onRemove, onRestore }: RuleListProps) {
  const { t, format } = useTranslation();
  if (rules.length === 0) return <p class="quiet">{t.copies.noRules}</p>;
  return (
    <ul class="rules" data-testid="rules">
      {rules.map(stored => {
        const sentence = formatRuleSentence(stored.rule, { report, texts: t.copies, format });
        const { id, restorableUntil } = stored;
        if (restorableUntil !== undefined) {
          return (
            <li key={id}>
              <del>{sentence}</del>{' '}
              <span class="warn">{t.copies.removed(format.timeOrDate(restorableUntil, Date.now()))}</span>{' '}
              <button
                type="button"
                class="small"
                aria-label={t.copies.restoreRule(sentence)}
                data-testid="restore-rule"
                onClick={() => onRestore(stored)}
              >
                {t.copies.restore}
              </button>
            </li>
          );
        }
        return (
          <li key={id}>
            {sentence}{' '}
            <button
              type="button"
              class="plain small"
              aria-label={t.copies.removeRule(sentence)}
              data-testid="remove-rule"
              onClick={() => onRemove(stored, sentence)}
            >
              {t.copies.remove}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
