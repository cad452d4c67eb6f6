import { expect, it } from 'vitest';
import { createFormat } from '../i18n/format.ts';
import { TEXTS } from '../i18n/texts.ts';
import { formatReasonLabel } from './reason-label.ts';

const label = (code: 'distance' | 'full', km?: number) =>
  formatReasonLabel(
    { code, text: 'x', ...(km === undefined ? {} : { figures: { km } }) },
    TEXTS.en.watch,
    createFormat('en'),
  );

it('is the distance if it is known', () => {
  expect(label('distance', 1_045)).toBe('About 1,045 km away');
  expect(label('distance', 0)).toBe('About 0 km away');
  expect(label('distance')).toBe('By distance');
});
it('is otherwise the text of its code', () => {
  expect(label('full', 3)).toBe('At capacity');
});
it('does not promise to fetch a video while no site with all of it is up', () => {
  const fetches = (holders: number): string =>
    formatReasonLabel(
      { code: 'fills-from-holder', text: 'x', figures: { holders } },
      TEXTS.en.watch,
      createFormat('en'),
    );
  expect(fetches(1)).toBe('Fetches the video as you watch');
  expect(fetches(0)).toMatch(/sites with the whole video are down/);
});
