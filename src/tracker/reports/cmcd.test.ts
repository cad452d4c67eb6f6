import { describe, expect, test } from 'vitest';
import { numberOf, parseCmcd, readEvents } from './cmcd.ts';

const event = (more: string): string =>
  `e=rr,ts=1,url="https://a.example/v/0.m4s",rc=200,br=(4000;v),d=4000,ttlb=800${more}`;

describe('CMCD (CTA-5004 and CTA-5004-B)', () => {
  test.each<[string, Record<string, string>]>([
    ['br=3200,bs,d=4004,sid="6e2f"', { br: '3200', bs: 'true', d: '4004', sid: '6e2f' }],
    ['br=(3200;v 128;a), mtp=(25400)', { br: '3200', mtp: '25400' }],
    ['nor=("0.m4s" "1.m4s";r="0-9"),su', { nor: '0.m4s', su: 'true' }],
    ['url="a,b=\\"c\\"",rc=200', { url: 'a,b="c"', rc: '200' }],
    ['com.example-x=1,d=2;p', { 'com.example-x': '1', d: '2' }],
    ['', {}],
    ['=1,br=2', {}],
    ['br=1,BR=2,d=3', { br: '1' }],
    ['sid="never ends,br=1', { sid: 'never end', br: '1' }],
  ])('%s', (text, expected) => {
    expect(Object.fromEntries(parseCmcd(text))).toEqual(expected);
  });

  test('numbers are finite and not negative', () => {
    const cmcd = parseCmcd('a=1,b=-1,c=1e999,d=x,f=0');
    expect(['a', 'b', 'c', 'd', 'f', 'g'].map(key => numberOf(cmcd, key))).toEqual([
      1,
      undefined,
      undefined,
      undefined,
      0,
      undefined,
    ]);
  });
});

describe('the events of a body', () => {
  test.each<[string, string, ReturnType<typeof readEvents>]>([
    ['a segment', event(''), [{ host: 'a.example', bps: 20e6, failed: false }]],
    ['a refusal is no failure', event(',rc=503'), [{ host: 'a.example', bps: undefined, failed: false }]],
    ['a failure', event(',rc=502'), [{ host: 'a.example', bps: undefined, failed: true }]],
    ['no response', event(',rc=0'), [{ host: 'a.example', bps: undefined, failed: true }]],
    ['410 is no failure', event(',rc=410'), [{ host: 'a.example', bps: 20e6, failed: false }]],
    ['too small to measure', event(',d=10'), [{ host: 'a.example', bps: undefined, failed: false }]],
    ['in no time', event(',ttlb=0'), [{ host: 'a.example', bps: undefined, failed: false }]],
    ['another event', event(',e=ps'), []],
    ['no address', event(',url="nowhere"'), []],
    [
      'several lines',
      `${event('')}\n\nnonsense\n${event(',rc=404')}`,
      [
        { host: 'a.example', bps: 20e6, failed: false },
        { host: 'a.example', bps: undefined, failed: true },
      ],
    ],
  ])('%s', (_, body, expected) => {
    expect(readEvents(body)).toEqual(expected);
  });

  test('at most 64 events with 64 keys each, in bounded time', () => {
    expect(readEvents(Array(1_000).fill(event('')).join('\n'))).toHaveLength(64);
    const keys = Array.from({ length: 200 }, (_, n) => `k${n}=1`).join(',');
    expect(parseCmcd(keys).size).toBe(64);
    expect(parseCmcd(`a="${'x'.repeat(3_000)}",b=1`)).toEqual(new Map([['b', '1']]));
    const KILOBYTES = 64 * 1_024;
    const hostile = ['a=",', 'a=(', 'a="\\', 'a=(""', 'a ', 'a=1 ', '"', ',', 'a=("\\",'];
    const started = process.cpuUsage();
    for (const piece of hostile) {
      const body = piece.repeat(Math.floor(KILOBYTES / piece.length));
      readEvents(body);
      readEvents(body.replaceAll(/(.{1024})/g, '$1\n'));
    }
    const { user } = process.cpuUsage(started);
    // On an idle machine each takes a few milliseconds.
    expect(user / 1_000).toBeLessThan(hostile.length * 100);
  });
});
