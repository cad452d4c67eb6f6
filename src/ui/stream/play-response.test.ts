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

describe('the response of the trackers', () => {
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
  const fetchFrom = (...trackers: string[]) =>
    fetchPlayResponse(trackers, 'v', QUERY, new AbortController().signal);

  it('comes from the first one that responds without failing', async () => {
    expect(await fetchFrom(SILENT, BUSY, GOOD)).toEqual({ video: 'v' });
    expect(requests.at(-1)).toBe(`${GOOD}/play/v?client=10.1.0.1`);
  });
  it('is a refusal if the first one that responds refuses', async () => {
    await expect(fetchFrom(GONE, GOOD)).rejects.toMatchObject({ status: 410, code: 'video-withdrawn' });
    expect(requests.length).toBe(1);
  });
  it('is the error of the last one if all fail', async () => {
    await expect(fetchFrom(SILENT, BUSY)).rejects.toMatchObject({ status: 503, code: 'no-source' });
    await expect(fetchFrom(BUSY, SILENT)).rejects.toMatchObject({ status: 0, code: 'tracker-unavailable' });
  });
  it('is an error if there is no tracker', async () => {
    await expect(fetchFrom()).rejects.toMatchObject({ status: 503, code: 'no-tracker' });
  });
});

it('a query leaves out undefined values, and is empty without values', () => {
  expect(formatQuery({ client: undefined })).toBe('');
  expect(formatQuery({ client: '::1', grant: undefined, session: 's' })).toBe('?client=%3A%3A1&session=s');
});
