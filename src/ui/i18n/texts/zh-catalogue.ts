/** 查找视频的页面的中文文字。 */
import type { enCatalogue } from './en-catalogue.ts';

export const zhCatalogue: typeof enCatalogue = {
  card: {
    captions: '字幕',
    length: '时长',
    watched: share => `已观看 ${share}`,
  },
};
