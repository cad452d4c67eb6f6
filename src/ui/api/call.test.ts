import { afterEach, describe, expect, it, vi } from 'vitest';
import { call } from './call.ts';

/** Passes every request to `respond`, and records the requests. */
function stubServer(respond: (request: Request) => Response | Promise<Response>): Request[] {
  const requests: Request[] = [];
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const request = new Request(url, init);
    requests.push(request);
    return respond(request);
  });
  return requests;
}
afterEach(() => {
  vi.unstubAllGlobals();
});

const URL = 'http://site.example/api';

describe('call', () => {
  it('sends JSON with the token, and parses JSON', async () => {
    const requests = stubServer(() => Response.json({ ok: true }));
    const result = await call(URL, { method: 'POST', token: 't', body: { a: 1 } });
    expect(result).toEqual({ ok: true });
    const [request] = requests;
    expect(request?.method).toBe('POST');
    expect(request?.headers.get('authorization')).toBe('Bearer t');
    expect(request?.headers.get('content-type')).toBe('application/json');
    expect(await request?.text()).toBe('{"a":1}');
  });
  it('sends a file unchanged', async () => {
    const requests = stubServer(() => new Response(null, { status: 204 }));
    await call(URL, { method: 'POST', body: new Blob(['WEBVTT'], { type: 'text/vtt' }) });
    expect(requests[0]?.headers.get('content-type')).toBe('application/octet-stream');
    expect(await requests[0]?.text()).toBe('WEBVTT');
  });
  it('sends neither a body nor a token if there is none', async () => {
    const requests = stubServer(() => Response.json({}));
    await call(URL);
    expect(requests[0]?.method).toBe('GET');
    expect(requests[0]?.headers.has('content-type')).toBe(false);
    expect(requests[0]?.headers.has('authorization')).toBe(false);
  });
  it('returns undefined for a response without content', async () => {
    stubServer(() => new Response(null, { status: 204 }));
    expect(await call(URL)).toBeUndefined();
  });
  it('throws the problem of a server', async () => {
    const problem = { code: 'site-busy', detail: 'Busy.' };
    stubServer(() => Response.json(problem, { status: 409, headers: { 'retry-after': '7' } }));
    await expect(call(URL)).rejects.toMatchObject({
      status: 409,
      code: 'site-busy',
      message: 'Busy.',
      retryAfterSeconds: 7,
    });
  });
  it('reports a page instead of JSON as unreadable', async () => {
    stubServer(() => new Response('<html>'));
    await expect(call(URL)).rejects.toMatchObject({ status: 200, code: 'unreadable' });
  });
  it('reports a server that does not respond', async () => {
    const cause = new TypeError('fetch failed');
    stubServer(() => Promise.reject(cause));
    await expect(call(URL)).rejects.toMatchObject({ status: 0, code: 'network', cause });
  });
  it('throws the reason of the caller who aborts', async () => {
    const control = new AbortController();
    stubServer(
      request =>
        new Promise((_, reject) =>
          request.signal.addEventListener('abort', () => reject(request.signal.reason)),
        ),
    );
    const pending = call(URL, { abort: control.signal });
    control.abort(new Error('page closed'));
    await expect(pending).rejects.toThrow('page closed');
  });
});
