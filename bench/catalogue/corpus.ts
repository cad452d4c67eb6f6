/** Makes records of videos as a university might publish them: Chinese and English, with words as frequent as in real titles. */
import type { VideoRecord } from '../../src/protocol/publication/record.ts';
import { videoRecord } from '../../test/support/records.ts';

/** A generator of numbers from 0 to below 1 (mulberry32): every run makes the same texts. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const ENGLISH =
  'lecture introduction analysis systems theory data network design practice modern history language learning machine science methods research physics biology chemistry economics society culture energy climate quantum statistics algebra geometry topology computing memory vision control signal image speech robot market policy law ethics music cinema painting architecture city water river mountain ocean planet star galaxy cell protein gene virus brain mind logic proof number graph tree search index query stream video audio player server cache'.split(
    ' ',
  );
const CHINESE =
  '的 学习 机器 数据 分析 系统 理论 网络 设计 实践 现代 历史 语言 科学 方法 研究 物理 生物 化学 经济 社会 文化 能源 气候 量子 统计 代数 几何 拓扑 计算 记忆 视觉 控制 信号 图像 语音 机器人 市场 政策 法律 伦理 音乐 电影 绘画 建筑 城市 河流 山脉 海洋 行星 恒星 星系 细胞 蛋白质 基因 病毒 大脑 逻辑 证明 数字 图论 搜索 索引 查询 流媒体 视频 音频 播放 服务器 缓存 第一讲 概论 导论 课程 教授 大学 我们 可以 一个 问题 什么 因为 所以 今天 介绍'.split(
    ' ',
  );
const SURNAMES =
  '王 李 张 刘 陈 杨 黄 赵 吴 周 Smith Jones Brown Garcia Kim Nguyen Müller Rossi Silva Ivanov'.split(' ');
const VOCABULARY = 60_000;
/** A word that is in about this many of a million videos. */
export const RARE_WORD = 'xylophonist';
const RARE_EVERY = 50_000;
export const NAMES_OF_SERIES = 2_000;
const PEOPLE = 20_000;
const TAGS = 3_000;
const YEARS = 12;
const CUES = 120;
const DAY_MS = 86_400_000;

/** Frequent words often, rare words rarely (Zipf). */
const rank = (next: () => number, count: number): number => Math.floor(count ** next()) - 1;

const englishWord = (next: () => number): string => {
  const at = rank(next, VOCABULARY);
  const base = ENGLISH[at % ENGLISH.length] ?? '';
  return at < ENGLISH.length ? base : `${base}${Math.floor(at / ENGLISH.length).toString(36)}`;
};
const chineseWord = (next: () => number): string => {
  const at = rank(next, VOCABULARY);
  return at < CHINESE.length
    ? (CHINESE[at] ?? '')
    : String.fromCodePoint(0x4e_00 + (at % 8_000), 0x4e_00 + ((at * 31) % 8_000));
};

const english = (next: () => number, words: number): string =>
  Array.from({ length: words }, () => englishWord(next)).join(' ');
const chinese = (next: () => number, words: number): string =>
  Array.from({ length: words }, () => chineseWord(next)).join('');

const personName = (at: number): string => {
  const surname = SURNAMES[at % SURNAMES.length] ?? '';
  const given = Math.floor(at / SURNAMES.length);
  return surname.length === 1
    ? `${surname}${String.fromCodePoint(0x4e_00 + (given % 900))}`
    : `${ENGLISH[given % ENGLISH.length]?.replace(/^./, first => first.toUpperCase())} ${surname}${given}`;
};

export interface MadeVideo {
  readonly record: VideoRecord;
  readonly cues: readonly { readonly startMs: number; readonly endMs: number; readonly text: string }[];
}

/** Half Chinese, half English; descriptions of 200 to 800 characters; a tenth with captions of six minutes. */
export function makeVideo(at: number): MadeVideo {
  const next = random(at + 1);
  const isChinese = next() < 0.5;
  const hasCaptions = at % 10 === 3;
  const name = isChinese
    ? chinese(next, 4 + Math.floor(next() * 6))
    : english(next, 3 + Math.floor(next() * 6));
  const length = 200 + Math.floor(next() * 600);
  const description = isChinese
    ? chinese(next, Math.floor(length / 2)).slice(0, length)
    : english(next, Math.floor(length / 7))
        .slice(0, length)
        .trim();
  const durationMs = 60_000 + Math.floor(next() ** 3 * 3 * 3_600_000);
  const plain = videoRecord();
  const record: VideoRecord = {
    ...plain,
    version: at + 1,
    name: at % RARE_EVERY === 7 ? `${name} ${RARE_WORD}` : name,
    description,
    language: isChinese ? 'zh-Hans' : 'en',
    durationMs,
    renditions: [
      ...plain.renditions,
      ...(hasCaptions
        ? [
            {
              kind: 'captions' as const,
              id: 'captions-1',
              codec: 'wvtt',
              bandwidthBps: 1_000,
              averageBandwidthBps: 1_000,
              language: 'en',
            },
          ]
        : []),
    ] as VideoRecord['renditions'],
    people: [{ name: personName(rank(next, PEOPLE)) }],
    tags: [...new Set([`tag${rank(next, TAGS)}`, `tag${rank(next, TAGS)}`])],
    ...(next() < 0.4 ? { series: { id: `series-${rank(next, NAMES_OF_SERIES)}` } } : {}),
    recordedAt: new Date(Date.UTC(2014, 0, 1) + Math.floor(next() * YEARS * 365) * DAY_MS).toISOString(),
    ...(next() < 0.05 ? { visibility: 'private' as const } : {}),
  };
  const cues = hasCaptions
    ? Array.from({ length: CUES }, (_, cue) => ({
        startMs: cue * 3_000,
        endMs: cue * 3_000 + 2_500,
        text: isChinese ? chinese(next, 8) : english(next, 8),
      }))
    : [];
  return { record, cues };
}
