/** Decodes caption files: Unicode, or one of the older encodings of the language, whichever gives text of that language. Pure. */
import { type ChineseEncoding, decodeChinese, findChinese } from './chinese.ts';

/** Characters that are frequent in any text of the language. Wrong decodings of its bytes contain few of them. */
const JAPANESE = /[\u3041-\u3093\u30a1-\u30f6、。]/gu;
const RUSSIAN = /[оеаинтсрвлкмдпу]/gu;

interface Candidates {
  /** Labels of the Encoding standard, the most likely first. */
  readonly encodings: readonly string[];
  readonly frequent?: RegExp;
}

const cyrillic: Candidates = { encodings: ['windows-1251', 'koi8-u', 'ibm866'], frequent: RUSSIAN };
const western: Candidates = { encodings: ['windows-1252'] };
const only = (encoding: string): Candidates => ({ encodings: [encoding] });
const forAll = (languages: string, candidates: Candidates) =>
  languages.split(' ').map(language => [language, candidates] as const);

const BY_LANGUAGE: ReadonlyMap<string, Candidates> = new Map([
  ['ja', { encodings: ['shift_jis', 'euc-jp'], frequent: JAPANESE }],
  ...forAll('ru uk be bg mk sr kk ky mn tg', cyrillic),
  ...forAll('pl cs sk hu sl hr bs ro sq', only('windows-1250')),
  ...forAll('tr az ku', only('windows-1254')),
  ...forAll('he yi iw', only('windows-1255')),
  ...forAll('ar fa ur ug', only('windows-1256')),
  ...forAll('lt lv et', only('windows-1257')),
  ['el', only('windows-1253')],
  ['ko', only('euc-kr')],
  ['th', only('windows-874')],
  ['vi', only('windows-1258')],
]);
const SIMPLIFIED = /^(?:zh|cmn|wuu)(?:-|$)/i;
const TRADITIONAL = /^(?:zh-.*\b(?:hant|tw|hk|mo)|yue|nan|hak)\b/i;

/** @param language of the text (BCP 47), if it is known */
export function decodeCaptions(bytes: Uint8Array, language: string | undefined): string {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return decode(bytes, 'utf-16le');
  if ((first === 0xfe && second === 0xff) || (first === 0 && second !== 0)) return decode(bytes, 'utf-16be');
  // ISO-2022-JP consists of ASCII bytes.
  if (
    language?.startsWith('ja') &&
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('\x1b$')
  )
    return decode(bytes, 'iso-2022-jp');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const chinese = chineseOf(language);
    if (chinese) return decodeChinese(bytes, chinese);
    if (!language) return findChinese(bytes) ?? decodeOlder(bytes, western);
    return decodeOlder(bytes, candidatesOf(language));
  }
}

const decode = (bytes: Uint8Array, encoding: string): string => new TextDecoder(encoding).decode(bytes);

function chineseOf(language = ''): ChineseEncoding | undefined {
  if (TRADITIONAL.test(language)) return 'big5';
  return SIMPLIFIED.test(language) ? 'gb18030' : undefined;
}

function candidatesOf(language: string): Candidates {
  return BY_LANGUAGE.get(language.toLowerCase().split('-', 1)[0] ?? '') ?? western;
}

function decodeOlder(bytes: Uint8Array, { encodings, frequent }: Candidates): string {
  const texts = encodings.map(encoding => decode(bytes, encoding));
  const score = (text: string): number =>
    (frequent ? (text.match(frequent)?.length ?? 0) : 0) - 10 * (text.match(/\ufffd/g)?.length ?? 0);
  // The sort is stable: the most likely encoding wins a tie.
  return texts.toSorted((a, b) => score(b) - score(a))[0] ?? '';
}
