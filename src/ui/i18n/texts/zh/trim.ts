/** 裁剪视频对话框的中文文本。 */
import type { enTrim } from '../en/trim.ts';

export const zhTrim: typeof enTrim = {
  trim: {
    open: '裁剪',
    title: (name: string) => `裁剪“${name}”`,
    explain:
      '设置视频的起点和终点。不会重新编码，随时可以撤销。在视频下架之前，指向未裁剪文件的旧链接仍然有效。',
    start: '起点',
    end: '终点',
    startHere: '以当前位置为起点',
    endHere: '以当前位置为终点',
    timeOf: (mark: string) => `${mark}时间`,
    keys: '方向键移动一帧，Page Up 和 Page Down 移动 25 帧。',
    length: (trimmed: string, whole: string) => `长度：${trimmed}，原长 ${whole}`,
    preview: '预览',
    restore: (length: string) => `撤销裁剪（${length}）`,
    saving: '正在保存…',
    save: '保存',
  },
};
