/** A browser with a page of one part open: it sends changes with the Origin of that part. */
import { HttpBrowser } from './http-browser.ts';

export class PageBrowser extends HttpBrowser {
  readonly #part: string;

  /** @param part the URL of central or of a site */
  constructor(part: string) {
    super();
    this.#part = part;
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await this.fetch(`${this.#part}${path}`, {
      method,
      headers: {
        origin: this.#part,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text === '' ? undefined : JSON.parse(text),
      headers: response.headers,
    };
  }

  /** The status of a success, else the status and code. */
  async outcome(...args: Parameters<PageBrowser['send']>): Promise<string | number> {
    const { status, body } = await this.send(...args);
    return status >= 400 ? `${status} ${body.code}` : status;
  }

  /** The id of the person who is signed in. */
  async me(): Promise<string | null> {
    const { status, body } = await this.send('GET', '/api/me');
    return status === 200 ? (body.person?.id ?? null) : `${status} ${body.code}`;
  }

  /** The Cookie header that it sends. */
  get cookie(): string {
    return this.cookiesOf(new URL(this.#part));
  }
}
