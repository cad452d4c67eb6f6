/** A browser as far as signing in needs one: cookies and redirects, without pages. */

export interface Visit {
  readonly status: number;
  /** The last address. */
  readonly url: URL;
  readonly text: string;
  readonly headers: Headers;
}

const MAX_REDIRECTS = 20;

export class HttpBrowser {
  /** By host, as in a browser: a cookie belongs to every port. */
  readonly #cookies = new Map<string, Map<string, string>>();

  /** Follows redirects, unless `stopAt` accepts the next address. */
  async visit(address: string | URL, stopAt: (next: URL) => boolean = () => false): Promise<Visit> {
    let url = new URL(address);
    for (let count = 0; count < MAX_REDIRECTS; count++) {
      const response = await this.fetch(url);
      const location = response.headers.get('location');
      const text = await response.text();
      const next = location === null ? undefined : new URL(location, url);
      if (!next || stopAt(next))
        return { status: response.status, url: next ?? url, text, headers: response.headers };
      url = next;
    }
    throw new Error(`${address} redirects without end`);
  }

  /** A single request with the cookies of the host. */
  async fetch(address: string | URL, init: RequestInit = {}): Promise<Response> {
    const url = new URL(address);
    const cookie = this.cookiesOf(url);
    const headers = { ...(init.headers as Record<string, string>), ...(cookie ? { cookie } : {}) };
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    const jar = this.#cookies.get(url.hostname) ?? new Map<string, string>();
    this.#cookies.set(url.hostname, jar);
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map(part => part.trim());
      const [name = '', ...value] = pair.split('=');
      const isOver = attributes.some(
        attribute => /^max-age=0$/i.test(attribute) || /^expires=.* 1970 /i.test(attribute),
      );
      if (isOver) jar.delete(name);
      else jar.set(name, value.join('='));
    }
    return response;
  }

  cookiesOf(url: URL): string {
    return [...(this.#cookies.get(url.hostname) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** Loses all cookies of a host. */
  forget(url: URL): void {
    this.#cookies.delete(url.hostname);
  }
}
