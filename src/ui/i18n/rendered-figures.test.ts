import { describe, expect, it } from 'vitest';
import { createFormat } from './format.ts';
import { renderFigures } from './rendered-figures.ts';
import { TEXTS } from './texts.ts';

const plain = (text: string): string => text.replace(/[\u00a0\u202f]/g, ' ');
const format = createFormat('en');

describe('figures of a ranking reason', () => {
  it('are empty if there are none', () => {
    const rendered = renderFigures(undefined, format);
    expect(rendered).toMatchObject({ km: '', expected: '', weight: '', name: '', isOwn: false });
    expect(rendered.hasNoHolders).toBe(false);
  });
  it('distinguish zero holders from an unknown number of them', () => {
    expect(renderFigures({ holders: 0 }, format).hasNoHolders).toBe(true);
    expect(renderFigures({ holders: 2 }, format).hasNoHolders).toBe(false);
  });
  it('form a sentence about throughput', () => {
    const figures = renderFigures({ expectedBps: 82.7e6, neededBps: 6.8e6, name: 'Guangzhou' }, format);
    expect(plain(TEXTS.en.ranking.changes.falls(figures))).toBe(
      'Stays first unless expected throughput drops below 6.8 Mb/s (now 82.7 Mb/s); then Guangzhou.',
    );
  });
  it('form a sentence about the weight as an increase', () => {
    const figures = renderFigures({ weight: 1.3 }, format);
    expect(TEXTS.en.ranking.changes['raise-weight'](figures)).toBe('Or raise its weight by 30%.');
    expect(TEXTS.en.ranking.reasons.weight(figures)).toBe('An administrator set its weight to 1.3.');
  });
  it('leave out the limit and the expected traffic if there are none', () => {
    const { load } = TEXTS.en.ranking.reasons;
    const figures = { responses: 3, egressBps: 4e6 };
    expect(plain(load(renderFigures(figures, format)))).toBe('3 responses in progress, sending 4 Mb/s.');
    const limited = { ...figures, limitBps: 10e6, share: 0.4, assignedBps: 1e6 };
    expect(plain(load(renderFigures(limited, format)))).toBe(
      '3 responses in progress, sending 4 Mb/s of 10 Mb/s (40%), 1 Mb/s more expected from viewers just assigned.',
    );
  });
});
