import { describe, expect, it } from 'vitest';
import { allocateBody, joinHead, tailOf } from './body.ts';

const HEAD = Buffer.from('HTTP/1.1 200 OK\r\n\r\n');

describe('joinHead', () => {
  it('puts the head into the headroom of the body: the same memory, without a copy', () => {
    const body = allocateBody(5);
    body.write('whole');
    const joined = joinHead(HEAD, body);
    expect(joined.toString()).toBe(`${HEAD}whole`);
    expect(joined.buffer).toBe(body.buffer);
  });

  it('does so for the tail of a body as well', () => {
    const content = allocateBody(10);
    content.write('digestbody');
    const joined = joinHead(HEAD, tailOf(content, 6));
    expect([joined.toString(), joined.buffer === content.buffer]).toEqual([`${HEAD}body`, true]);
  });

  it.each([
    ['a body without headroom', Buffer.from('whole'), HEAD],
    [
      'a part of a body, which other code may extend forwards',
      allocateBody(8).fill('whole').subarray(0, 5),
      HEAD,
    ],
    ['a head that is longer than the headroom', allocateBody(5).fill('whole'), Buffer.alloc(5_000, 'h')],
  ])('copies %s', (_what, body, head) => {
    const before = Buffer.from(body);
    const joined = joinHead(head, body);
    expect(joined.equals(Buffer.concat([head, before]))).toBe(true);
    joined.fill(0);
    expect(body.equals(before)).toBe(true);
  });
});
