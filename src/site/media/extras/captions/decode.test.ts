import { describe, expect, it } from 'vitest';
import { decodeCaptions } from './decode.ts';

/** Encoded by another program. */
const SENTENCES: readonly (readonly [encoding: string, language: string, hex: string, text: string])[] = [
  [
    'big5',
    'zh-Hans',
    'a7daadcca4b5a4d1ad6ea4b6b2d0aabaac4fa578c657aabaa95da5aba141a46aae61b7c7b3c6a66ea446b6dca148',
    '我們今天要介紹的是台灣的夜市，大家準備好了嗎？',
  ],
  [
    'big5',
    'zh',
    'aef0b648a7bdaaeda5dca141a9faa4d1a55fb3a1a661b0cfb14ea6b3b970b07dab42a143',
    '氣象局表示，明天北部地區將有雷陣雨。',
  ],
  ['big5', 'zh-Hans', '4f4b2c20a8bab44eb36fbccba76120286c617567687329', 'OK, 那就這樣吧 (laughs)'],
  ['big5', 'zh', 'ca5c925d9df6abd7b6c9baf2d455a141a74191c1adf891c1a772a148', '佢哋喺度傾緊偈，你嚟唔嚟呀？'],
  ['big5', 'yue', '9df89dcfc94e9df7b0d5', '啲嘢冇咗啦'],
  ['big5', 'zh', 'a7d6a8ab', '快走'],
  ['big5', 'zh', 'c1c2c1c2a149', '謝謝！'],
  [
    'gb18030',
    'zh-Hant',
    'b1bebddac4bfd3c9d6d0d1ebb5e7cad3cca8cce1b9a9d7d6c4bb',
    '本节目由中央电视台提供字幕',
  ],
  [
    'gb18030',
    'zh-TW',
    'cbfbcbb5a3baa1b0ced2c3c7c3f7ccecc8a5c9cfbaa3a3acc4e3c0b4b2bbc0b4a3bfa1b1',
    '他说：“我们明天去上海，你来不来？”',
  ],
  ['gb18030', 'zh', 'bfecd7df', '快走'],
  ['gb18030', 'zh', 'd0bbd0bba3a1', '谢谢！'],
  ['gb18030', 'zh-TW', 'd678d678c4e38283b5c4cad5bfb4a3accfc2b4ced4d9d28a', '謝謝你們的收看，下次再見'],
  ['gb18030', 'zh', '4f4b2c20c4c7becdd5e2d1f9b0c920286c617567687329', 'OK, 那就这样吧 (laughs)'],
  ['gb18030', 'zh', '9534b235d2b0bcd220badcbac3b3d4', '𠮷野家 很好吃'],
  ['gb18030', '', 'ced2c3c7bdf1ccecd2aabde9c9dcb5c4cac7cca8cde5b5c4d2b9cad0', '我们今天要介绍的是台湾的夜市'],
];

describe('the text of Chinese captions decides between Big5 and GB18030', () => {
  it.each(SENTENCES)('decodes %s, declared as "%s"', (_encoding, language, hex, text) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(decodeCaptions(bytes, language || undefined)).toBe(text);
    // In a file, with times and some English.
    const file = Buffer.concat([
      Buffer.from('1\n00:00:01,000 --> 00:00:02,000\nHello, '),
      bytes,
      Buffer.from('\n'),
    ]);
    expect(decodeCaptions(file, language || undefined)).toContain(`Hello, ${text}`);
  });

  it('follows the language if the bytes do not decide, and keeps other languages as they are', () => {
    // The second half of a character is missing.
    expect(decodeCaptions(Buffer.from('a741', 'hex'), 'zh-TW')).toBe('你');
    expect(decodeCaptions(Buffer.from('c4e3', 'hex'), 'zh-Hans')).toBe('你');
    expect(decodeCaptions(Buffer.from('636166e920e020e9', 'hex'), undefined)).toBe('café à é');
  });
});
