import { expect, it } from 'vitest';
import { TEXTS } from '../../i18n/texts.ts';
import { formatPlacementReason } from './placement-reason.ts';

it('is the text of a known code, in the language of the page', () => {
  const reason = { code: 'hot', text: 'It is played often.' };
  expect(formatPlacementReason(reason, TEXTS.en)).toBe("kept because it's popular");
  expect(formatPlacementReason(reason, TEXTS.zh)).toBe(TEXTS.zh.copies.reasons.hot);
});
it.each(['from-the-future', 'toString'])('is the text of central for the code %s', code => {
  expect(formatPlacementReason({ code, text: 'Because.' }, TEXTS.zh)).toBe('Because.');
});
