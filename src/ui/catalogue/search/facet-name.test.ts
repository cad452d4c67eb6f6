import { describe, expect, it } from 'vitest';
import type { Facet } from '../../../protocol/catalogue/search.ts';
import { createFormat } from '../../i18n/format.ts';
import { en } from '../../i18n/texts/en.ts';
import { zh } from '../../i18n/texts/zh.ts';
import { nameFacetValue } from './facet-name.ts';

const plain = (text: string): string => text.replace(/[\u00a0\u202f]/g, ' ');
const name = (facet: Facet, value: string, given?: string) => [
  plain(nameFacetValue(facet, { value, name: given }, { t: en, format: createFormat('en'), language: 'en' })),
  plain(nameFacetValue(facet, { value, name: given }, { t: zh, format: createFormat('zh'), language: 'zh' })),
];

describe('the value of a facet', () => {
  it('has the name that the server sent', () => {
    expect(name('site', '0192', 'Hangzhou')[0]).toBe('Hangzhou');
    expect(name('series', 'fluid')[0]).toBe('fluid');
    expect(name('year', '2024')).toEqual(['2024', '2024']);
  });
  it('is a language in the language of the page', () => {
    expect(name('language', 'de', 'de')).toEqual(['German', '德语']);
    expect(name('language', '!', '!')[0]).toBe('!');
  });
  it('is a range of lengths', () => {
    expect(name('length', '0-299')).toEqual(['Under 5 min', '5 分钟以内']);
    expect(name('length', '300-1199')).toEqual(['5 min to 20 min', '5 分钟至 20 分钟']);
    expect(name('length', '7200-')).toEqual(['2 h or more', '2 小时以上']);
  });
  it('says whether there are captions', () => {
    expect(name('captions', 'true')[0]).toBe('With captions');
    expect(name('captions', 'false')[0]).toBe('Without captions');
  });
});
