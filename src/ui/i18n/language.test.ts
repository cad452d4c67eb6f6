import { expect, it } from 'vitest';
import { chooseLanguage } from './language.ts';

it.each([
  ['?lang=zh', 'en', ['en'], 'zh'],
  ['?lang=fr', 'zh', ['en'], 'zh'],
  ['', 'zh', ['en-US'], 'zh'],
  ['', null, ['fr', 'zh-TW', 'en'], 'zh'],
  ['', null, ['ZH_cn'], 'zh'],
  ['', 'nonsense', ['de'], 'en'],
  ['', null, [], 'en'],
] as const)('address "%s", stored %s, preferred %j: %s', (search, stored, preferred, expected) => {
  expect(chooseLanguage(search, stored, preferred)).toBe(expected);
});
