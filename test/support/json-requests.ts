/** Requests whose responses are JSON, with an operator's token where one is needed. */

/** @throws Error with the status and body of anything but a success */
export async function getJson<T>(url: string, token?: string): Promise<T> {
  const response = await fetch(url, token ? { headers: { authorization: `Bearer ${token}` } } : {});
  const body = (await response.json()) as T;
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${JSON.stringify(body)}`);
  return body;
}

/** Sends `body` as JSON. @returns the response's JSON, undefined if it is empty. @throws Error with the status and body of a refusal */
export async function requestJson<T>(
  method: string,
  url: string,
  { token, body }: { readonly token: string; readonly body?: unknown },
): Promise<T> {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}
