import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { call, onSessionEnd } from './call.ts';

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

describe('a session that has ended', () => {
  const refuse = (code: string) => Response.json({ code, detail: 'No.' }, { status: 401 });
  function countEnds(): () => number {
    let ends = 0;
    onTestFinished(onSessionEnd(() => ends++));
    return () => ends;
  }
  it('is forgotten by the browser, so the request is sent once more', async () => {
    const responses = [refuse('credential-invalid'), Response.json({ videos: [] })];
    const requests = stubServer(() => responses.shift() ?? new Response(null, { status: 500 }));
    const ends = countEnds();
    expect(await call(URL, { method: 'POST', body: { a: 1 } })).toEqual({ videos: [] });
    expect(await Promise.all(requests.map(request => request.text()))).toEqual(['{"a":1}', '{"a":1}']);
    expect(ends()).toBe(1);
  });
  it('is reported to the caller if the server continues to refuse', async () => {
    const requests = stubServer(() => refuse('credential-invalid'));
    await expect(call(URL)).rejects.toMatchObject({ code: 'credential-invalid' });
    expect(requests).toHaveLength(2);
  });
  it('is noticed when a call needs one, and is not repeated', async () => {
    const requests = stubServer(() => refuse('sign-in-needed'));
    const ends = countEnds();
    await expect(call(URL)).rejects.toMatchObject({ code: 'sign-in-needed' });
    expect([requests.length, ends()]).toEqual([1, 1]);
  });
  it('is not meant by a wrong token, a wrong password, or the check of the session', async () => {
    const ends = countEnds();
    const requests = stubServer(() => refuse('credential-invalid'));
    await expect(call(URL, { token: 't' })).rejects.toMatchObject({ code: 'credential-invalid' });
    expect(requests).toHaveLength(1);
    await expect(call(URL, { reportsSessionEnd: false })).rejects.toThrow('No.');
    stubServer(() => refuse('sign-in-failed'));
    await expect(call(URL)).rejects.toMatchObject({ code: 'sign-in-failed' });
    expect(ends()).toBe(0);
  });
});
