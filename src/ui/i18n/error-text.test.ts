import { describe, expect, it } from 'vitest';
import { ApiError, parseProblem } from '../api/api-error.ts';
import { describeError, describeProblem, formatError } from './error-text.ts';
import { TEXTS } from './texts.ts';

const { en, zh } = TEXTS;

describe('a problem that a server has stored', () => {
  it('is only the detail in English, and the translation with the detail in Chinese', () => {
    const detail = 'The file ends after 3 MB.';
    expect(describeProblem('truncated', detail, 'en', en.problems)).toEqual({ detail });
    expect(describeProblem('truncated', detail, 'zh', zh.problems)).toEqual({
      text: zh.problems.truncated,
      detail,
    });
  });
  it('is the text of its code if there is no detail', () => {
    expect(describeProblem('truncated', '', 'en', en.problems)).toEqual({ text: en.problems.truncated });
  });
  it.each(['from-the-future', 'toString', undefined])('is only the detail for the code %s', code => {
    expect(describeProblem(code, 'Something.', 'zh', zh.problems)).toEqual({ detail: 'Something.' });
  });
});

describe('an error', () => {
  it('of a viewer is the text of the page, without the detail', () => {
    const error = new ApiError(410, 'video-withdrawn', 'Gone since yesterday.');
    expect(describeError(error, 'zh', zh)).toEqual({ text: zh.problems['video-withdrawn'] });
    expect(describeError(error, 'en', en)).toEqual({ text: en.problems['video-withdrawn'] });
  });
  it('that no server reported has its own text', () => {
    expect(describeError(new ApiError(0, 'network', 'x'), 'zh', zh)).toEqual({ text: zh.errors.network });
    expect(describeError(new ApiError(503, 'no-tracker', ''), 'en', en)).toEqual({
      text: en.errors['no-tracker'],
    });
  });
  it('of invalid fields is translated field by field, and English where only English says it', () => {
    const body = JSON.stringify({
      code: 'request-invalid',
      detail: '`name` is required. `zone[0]` must be at most 3. `note`: It does not rhyme.',
      errors: [
        { field: 'name', code: 'required', detail: '`name` is required.' },
        { field: 'zone[0]', code: 'too-large', limit: 3, detail: '`zone[0]` must be at most 3.' },
        { field: '', code: 'unknown-field', values: ['x', 'y'], detail: 'Unknown: x, y.' },
        { field: 'note', code: 'other', detail: '`note`: It does not rhyme.' },
        { field: 'z', code: 'from-the-future', detail: '`z` is odd.' },
        'no error',
      ],
    });
    const error = parseProblem(400, body);
    expect(formatError(error, 'zh', zh)).toBe(
      '缺少 name 。 zone[0] 过大，界限为 3。 请求含有未知字段：x、y。 `note`: It does not rhyme. `z` is odd.',
    );
    expect(formatError(error, 'en', en)).toBe(error.message);
  });
  it('of invalid fields of a form names their labels', () => {
    const errors = [
      { field: 'baseUrl', code: 'malformed', detail: '`baseUrl` must be a URL.' },
      {
        field: 'coordinates.latitude',
        code: 'too-large',
        limit: 90,
        detail: '`coordinates.latitude` must be at most 90.',
      },
      { field: 'zone[1]', code: 'other', detail: '`zone[1]`: It is no network.' },
      { field: 'other', code: 'required', detail: '`other` is required.' },
    ];
    const error = parseProblem(400, JSON.stringify({ code: 'request-invalid', detail: 'x', errors }));
    const english = { baseUrl: 'Base URL', latitude: 'Latitude', zone: 'Coverage zone' };
    expect(describeError(error, 'en', en, english)).toEqual({
      text: '"Base URL" must be a URL. "Latitude" must be at most 90. "Coverage zone": It is no network. `other` is required.',
    });
    const chinese = { baseUrl: '基础网址', latitude: '纬度', zone: '覆盖范围' };
    expect(describeError(error, 'zh', zh, chinese)).toEqual({
      text: '“基础网址”的格式不正确。 “纬度”过大，界限为 90。 "覆盖范围": It is no network. 缺少 other 。',
    });
  });
  it('of a wrong credential says how to sign in again', () => {
    const error = new ApiError(401, 'credential-invalid', 'No.');
    expect(describeError(error, 'en', en)).toEqual({ text: en.errors.unauthorised });
  });
  it('without a credential asks to sign in, without the advice for programs', () => {
    const error = new ApiError(401, 'sign-in-needed', 'Send an API token.');
    expect(describeError(error, 'en', en)).toEqual({ text: 'Sign in to continue.' });
    expect(describeError(error, 'zh', zh)).toEqual({ text: '请先登录。' });
  });
  it('with an unreadable response names the status', () => {
    expect(formatError(parseProblem(502, ''), 'en', en)).toBe(`${en.errors.unreadable} (502)`);
  });
  it('in plain text is shown unchanged', () => {
    expect(describeError(parseProblem(507, 'The disk is full.'), 'zh', zh)).toEqual({
      detail: 'The disk is full.',
    });
  });
  it('without any text is an unexpected response', () => {
    expect(describeError(new ApiError(500, 'from-the-future', ''), 'zh', zh)).toEqual({
      text: zh.errors.unreadable,
    });
  });
  it('of a form is its message', () => {
    expect(describeError(new Error('Enter a number.'), 'en', en)).toEqual({ text: 'Enter a number.' });
    expect(describeError('text', 'en', en)).toEqual({ text: 'text' });
  });
  it('as one string has the translation first', () => {
    const error = new ApiError(409, 'site-busy', 'Busy.');
    expect(formatError(error, 'zh', zh)).toBe(`${zh.problems['site-busy']} Busy.`);
    expect(formatError(error, 'en', en)).toBe('Busy.');
  });
});
