import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fetchPlayResponse, formatQuery } from './play-response.ts';

const QUERY = { client: '10.1.0.1', grant: undefined, session: undefined };
const RESPONSES: Readonly<Record<string, () => Response>> = {
  'good.example': () => Response.json({ video: 'v' }),
  'busy.example': () => Response.json({ code: 'no-source', detail: '' }, { status: 503 }),
  'gone.example': () => Response.json({ code: 'video-withdrawn', detail: '' }, { status: 410 }),
};
const GOOD = 'https://good.example';
const BUSY = 'https://busy.example';
const GONE = 'https://gone.example';
const SILENT = 'https://silent.example';

describe('asking the trackers', () => {
  let requests: string[] = [];
  beforeEach(() => {
    requests = [];
    vi.stubGlobal('fetch', async (url: string) => {
      requests.push(url);
      const respond = RESPONSES[new URL(url).host];
      if (!respond) throw new TypeError('fetch failed');
      return respond();
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });
  const ask = (...trackers: string[]) =>
    fetchPlayResponse(trackers, 'v', QUERY, new AbortController().signal);

  it('skips those that do not respond or fail', async () => {
    expect(await ask(SILENT, BUSY, GOOD)).toEqual({ video: 'v' });
    expect(requests.at(-1)).toBe(`${GOOD}/play/v?client=10.1.0.1`);
  });
  it('accepts a refusal of the first one that responds', async () => {
    await expect(ask(GONE, GOOD)).rejects.toMatchObject({ status: 410, code: 'video-withdrawn' });
    expect(requests.length).toBe(1);
  });
  it('reports the error of the last one', async () => {
    await expect(ask(SILENT, BUSY)).rejects.toMatchObject({ status: 503, code: 'no-source' });
    await expect(ask(BUSY, SILENT)).rejects.toMatchObject({ status: 0, code: 'tracker-unavailable' });
  });
  it('reports that there is none', async () => {
    await expect(ask()).rejects.toMatchObject({ status: 503, code: 'no-tracker' });
  });
});

it('a query leaves out undefined values, and is empty without values', () => {
  expect(formatQuery({ client: undefined })).toBe('');
  expect(formatQuery({ client: '::1', grant: undefined, session: 's' })).toBe('?client=%3A%3A1&session=s');
});
