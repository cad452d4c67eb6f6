import { describe, expect, it } from 'vitest';
import type { PlacementRule } from '../../../protocol/copies.ts';
import { createFormat } from '../../i18n/format.ts';
import { TEXTS } from '../../i18n/texts.ts';
import { formatRuleSentence, type RuleContext } from './rule-sentence.ts';

const report = {
  sites: [
    { id: 'a', name: 'Hangzhou' },
    { id: 'b', name: 'Beijing' },
  ],
  placements: [{ video: 'v', name: 'Lecture' }],
} as unknown as RuleContext['report'];
const sentenceOf = (rule: unknown): string =>
  formatRuleSentence(rule as PlacementRule, {
    report,
    texts: TEXTS.en.copies,
    format: createFormat('en'),
  }).replace(/\u00a0/g, ' ');

describe('a rule as a sentence', () => {
  it.each([
    [{ kind: 'at-least', copies: 2, of: 'all' }, 'Videos from every site are stored at 2 sites or more.'],
    [
      { kind: 'at-least', copies: 3, inDifferentRegions: true, of: { region: 'South' } },
      'Videos from every site in region South are stored in 3 different regions or more.',
    ],
    [
      { kind: 'hot', top: 1_000, minPlaysADay: 2.5, at: { sites: ['a', 'b'] } },
      'The 1,000 most played videos (2.5 or more plays per day) are stored at Hangzhou and Beijing.',
    ],
    [{ kind: 'stays', of: { sites: ['a'] } }, 'Videos from Hangzhou are never copied to other sites.'],
    [{ kind: 'at-most', bytes: 5e9, at: 'all' }, 'Copies use at most 5 GB at every site.'],
    [{ kind: 'by-hand', video: 'v', site: 'b' }, '"Lecture" is pinned to Beijing.'],
  ])('%j', (rule, sentence) => expect(sentenceOf(rule)).toBe(sentence));
  it('names what the report does not list by its id', () => {
    const rule = { kind: 'by-hand', video: 'unlisted', site: '0192-0000-abcdef' };
    expect(sentenceOf(rule)).toBe('"unlisted" is pinned to abcdef.');
  });
});
