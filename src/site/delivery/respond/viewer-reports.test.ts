import { expect, test } from 'vitest';
import type { VideoId } from '../../../protocol/base/ids.ts';
import { createViewerReports, parseThroughput } from './viewer-reports.ts';

const query = (cmcd: string): string => `/v/x/y/0.m4s?CMCD=${encodeURIComponent(cmcd)}`;

test.each([
  [query('bl=21300,br=3200,mtp=25400,ot=v,sid="6e2f"'), undefined, 25_400_000],
  [query('mtp=800'), undefined, 800_000],
  [query('br=(3200),mtp=(25400;v),v=2'), undefined, 25_400_000],
  ['/v/x/y/0.m4s', 'bl=21300,dl=18500,mtp=48100,su', 48_100_000],
  [query('xmtp=25400,nor="mtp=1"'), undefined, undefined],
  [query('mtp=0'), undefined, undefined],
  ['/v/x/y/0.m4s?CMCD=%E0%A4%A', undefined, undefined],
  ['/v/x/y/0.m4s', undefined, undefined],
])('%s %s → %s', (url, header, bps) => {
  expect(parseThroughput(url, header)).toBe(bps);
});

test('takes the last measurement of each address once, and bounds their number', () => {
  const reports = createViewerReports();
  for (let n = 0; n < 1_000; n++) reports.note(`10.0.${n >> 8}.${n & 255}`, query('mtp=5'));
  reports.note('10.0.0.1', query('mtp=9'));
  for (let n = 0; n < 1_000; n++) reports.noteVideo(`v${n % 300}` as VideoId);
  const { viewers, videos } = reports.take();
  expect(viewers).toHaveLength(500);
  expect(viewers.find(({ client }) => client === '10.0.0.1')?.bps).toBe(9_000);
  expect(videos).toHaveLength(200);
  expect(reports.take()).toEqual({ viewers: [], videos: [] });
});
