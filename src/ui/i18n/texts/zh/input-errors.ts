/** 输入错误的中文说明。英文页面直接显示服务器的说明。 */
import type { InputError, InputErrorCode } from '../../../../protocol/base/input-error.ts';

const listOf = ({ values = [] }: InputError): string => values.join('、');

export const zhInputErrors: Readonly<
  Record<Exclude<InputErrorCode, 'other'>, (subject: string, error: InputError) => string>
> = {
  required: subject => `缺少${subject}。`,
  'wrong-type': subject => `${subject}的类型不正确。`,
  'not-one-of': (subject, error) => `${subject}只能是 ${listOf(error)}。`,
  'unknown-field': (subject, error) => `${subject}含有未知字段：${listOf(error)}。`,
  empty: subject => `${subject}不能为空。`,
  'too-short': (subject, { limit }) => `${subject}至少需要 ${limit} 个字符。`,
  'too-long': (subject, { limit }) => `${subject}最多 ${limit} 个字符。`,
  'too-few': (subject, { limit }) => `${subject}至少需要 ${limit} 项。`,
  'too-many': (subject, { limit }) => `${subject}最多 ${limit} 项。`,
  'too-small': (subject, { limit }) => `${subject}过小，界限为 ${limit}。`,
  'too-large': (subject, { limit }) => `${subject}过大，界限为 ${limit}。`,
  malformed: subject => `${subject}的格式不正确。`,
};
