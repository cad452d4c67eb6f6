import { describe, expect, it } from 'vitest';
import { formatLongList } from './json-list-writer.ts';

describe('JSON of a long list', () => {
  const members = [{ name: '第一讲 🎞 "é"\u2028\n' }, 1, 'x', null];

  it('parses to the same value as JSON.stringify writes', () => {
    const bytes = formatLongList({ site: '杭州', more: false }, 'records', members);
    expect(JSON.parse(bytes.toString())).toEqual({ site: '杭州', more: false, records: members });
    expect(JSON.parse(formatLongList({}, 'records', []).toString())).toEqual({ records: [] });
  });
  it('is ASCII', () => {
    expect(formatLongList({ site: '杭州' }, 'records', members).every(byte => byte < 0x80)).toBe(true);
  });
});
