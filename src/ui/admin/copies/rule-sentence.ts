/** A placement rule as a sentence. Pure. */
import type { CopyReport, PlacementRule, SiteChoice } from '../../../protocol/copies.ts';
import type { Format } from '../../i18n/format.ts';
import type { Texts } from '../../i18n/texts.ts';

export interface RuleContext {
  readonly report: Pick<CopyReport, 'sites' | 'placements'>;
  readonly texts: Texts['copies'];
  readonly format: Pick<Format, 'number' | 'size' | 'list'>;
}

/** A site or video that the report does not list is shown by its id. */
export function formatRuleSentence(rule: PlacementRule, { report, texts, format }: RuleContext): string {
  const siteName = (id: string): string => report.sites.find(site => site.id === id)?.name ?? id.slice(-6);
  const videoName = (id: string): string => report.placements.find(({ video }) => video === id)?.name ?? id;
  const formatSites = (choice: SiteChoice): string => {
    if (choice === 'all') return texts.everySite;
    return 'region' in choice ? texts.inRegion(choice.region) : format.list(choice.sites.map(siteName));
  };
  const { sentences } = texts;
  switch (rule.kind) {
    case 'at-least': {
      const sentence = rule.inDifferentRegions ? sentences.atLeastApart : sentences.atLeast;
      return sentence(format.number(rule.copies), formatSites(rule.of));
    }
    case 'hot':
      return sentences.hot(format.number(rule.top), format.number(rule.minPlaysADay), formatSites(rule.at));
    case 'stays':
      return sentences.stays(formatSites(rule.of));
    case 'at-most':
      return sentences.atMost(format.size(rule.bytes), formatSites(rule.at));
    case 'by-hand':
      return sentences.byHand(videoName(rule.video), siteName(rule.site));
  }
}
