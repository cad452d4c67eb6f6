/**
 * Chooses between Big5 and GB18030, which share nearly all of their byte sequences: the one whose text consists of common characters is
 * right. Pure.
 */
import { decodeBig5 } from './big5-hkscs.ts';

export type ChineseEncoding = 'big5' | 'gb18030';

/** The most frequent characters of simplified and traditional Chinese, and of written Cantonese. */
const FREQUENT: ReadonlySet<string> = new Set(
  [
    '的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如',
    '都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高',
    '间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解',
    '水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队',
    '形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清',
    '今切院让识候带导争运请谢吗吧呢啊哦您爱喜欢朋友妈爸孩晚早快慢找帮笑哭跟视频片影字幕语音',
    '這個們來为國說時會對於著過發後裡種經麼學現當沒動還進樣開從實軍無與長機關點業將兩間問並應戰頭體見產話內給門兒東聲員論處義幾認條氣題爾別',
    '變總電數報結務場計資許統區隊決馬書則聽卻達強難權設記類據邊張該規萬覺術領確傳師觀讓識帶導爭運請謝嗎愛歡媽幫視頻語説裏甚妳週沖隻乾併',
    '嘅咗喺嚟啲冇佢哋唔係咁嘢乜睇俾畀攞咩嗰諗搵',
  ].join(''),
);
const PUNCTUATION: ReadonlySet<string> = new Set('，。！？、；：「」『』“”‘’…—（）《》〈〉　·．～♪');

/** Points of one character of a text. Wrong decodings have a frequent character now and then, and many rare ones. */
const POINTS = { frequent: 3, punctuation: 1, common: 0, rare: -1.5, invalid: -10 } as const;

/** The common characters of each encoding, which both standards list before all others. */
const LEVEL_1: Readonly<Record<ChineseEncoding, () => ReadonlySet<string>>> = {
  big5: once(() => readRows(decodeBig5, [0xa4, 0xc6])),
  gb18030: once(() => readRows(decodeGb18030, [0xb0, 0xd7])),
};

/** So many bytes decide. */
const SAMPLE_BYTES = 64 * 1_024;

/** @param likelier wins if the bytes do not decide */
export function decodeChinese(bytes: Uint8Array, likelier: ChineseEncoding): string {
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  const lead = scoreOf(decodeBig5(sample), 'big5') - scoreOf(decodeGb18030(sample), 'gb18030');
  const encoding = lead === 0 ? likelier : lead > 0 ? 'big5' : 'gb18030';
  return encoding === 'big5' ? decodeBig5(bytes) : decodeGb18030(bytes);
}

/** The text if these bytes are clearly Chinese: half of its characters that are not ASCII are frequent. */
export function findChinese(bytes: Uint8Array): string | undefined {
  const text = decodeChinese(bytes, 'gb18030');
  const others = text.match(/[^\p{ASCII}]/gu) ?? [];
  const frequent = others.filter(each => FREQUENT.has(each) || PUNCTUATION.has(each)).length;
  return others.length >= 4 && frequent >= others.length / 2 ? text : undefined;
}

function scoreOf(text: string, encoding: ChineseEncoding): number {
  const common = LEVEL_1[encoding]();
  let points = 0;
  for (const character of text) {
    if (character <= '\u007f') continue;
    if (character === '\ufffd' || isPrivateUse(character)) points += POINTS.invalid;
    else if (FREQUENT.has(character)) points += POINTS.frequent;
    else if (PUNCTUATION.has(character)) points += POINTS.punctuation;
    else points += common.has(character) ? POINTS.common : POINTS.rare;
  }
  return points;
}

const isPrivateUse = (character: string): boolean => character >= '\ue000' && character <= '\uf8ff';

function decodeGb18030(bytes: Uint8Array): string {
  return new TextDecoder('gb18030').decode(bytes);
}

function readRows(
  decode: (bytes: Uint8Array) => string,
  [first, last]: readonly [first: number, last: number],
): ReadonlySet<string> {
  const bytes: number[] = [];
  for (let lead = first; lead <= last; lead++) {
    for (let trail = 0x40; trail < 0xff; trail++) {
      const isSecondHalf = trail >= 0xa1;
      if (isSecondHalf || (decode === decodeBig5 && trail < 0x7f)) bytes.push(lead, trail);
    }
  }
  return new Set(decode(Uint8Array.from(bytes)));
}

function once<Value>(make: () => Value): () => Value {
  let value: Value | undefined;
  return () => {
    value ??= make();
    return value;
  };
}
