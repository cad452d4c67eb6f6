/** The rules, each in a sentence. */
import type { CopyReport, PlacementRule, SiteChoice, StoredRule } from '../../../protocol/copies.ts';
import { useSpeech } from '../../i18n/use-translation.tsx';

interface RulesProps {
  readonly rules: readonly StoredRule[];
  readonly report: CopyReport;
  readonly onRemove: (rule: StoredRule) => void;
}

export function Rules({ rules, report, onRemove }: RulesProps) {
  const { t, format } = useSpeech();
  const nameOf = (id: string): string => report.sites.find(site => site.id === id)?.name ?? id.slice(-6);
  const titleOf = (id: string): string => report.placements.find(({ video }) => video === id)?.name ?? id;
  const choose = (choice: SiteChoice): string => {
    if (choice === 'all') return t.copies.everySite;
    return 'region' in choice ? t.copies.inRegion(choice.region) : format.list(choice.sites.map(nameOf));
  };
  const say = (rule: PlacementRule): string => {
    const { sentences } = t.copies;
    switch (rule.kind) {
      case 'at-least':
        return (rule.inDifferentRegions ? sentences.atLeastApart : sentences.atLeast)(
          format.number(rule.copies),
          choose(rule.of),
        );
      case 'hot':
        return sentences.hot(format.number(rule.top), format.number(rule.minPlaysADay), choose(rule.at));
      case 'stays':
        return sentences.stays(choose(rule.of));
      case 'at-most':
        return sentences.atMost(format.size(rule.bytes), choose(rule.at));
      case 'by-hand':
        return sentences.byHand(titleOf(rule.video), nameOf(rule.site));
    }
  };
  if (rules.length === 0) return <p class="quiet">{t.copies.noRules}</p>;
  return (
    <ul class="rules" data-testid="rules">
      {rules.map(stored => (
        <li key={stored.id}>
          {say(stored.rule)}{' '}
          <button
            type="button"
            class="plain small"
            aria-label={t.copies.removeRule(say(stored.rule))}
            data-testid="remove-rule"
            onClick={() => onRemove(stored)}
          >
            {t.copies.remove}
          </button>
        </li>
      ))}
    </ul>
  );
}
