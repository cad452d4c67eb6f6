/**
 * The links that sites have opened to this central. A request waits here until the site polls for it, and its sender waits until
 * the site posts the response. The number of requests per site is limited, and each sender limits its own waiting time.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingResponse, Send } from '../../kernel/http/client.ts';
import { type Problem, problem } from '../../kernel/problem.ts';
import { type LinkRequest, MAX_LINK_REQUESTS } from '../../protocol/link.ts';

/** Two polls of a site are one round trip apart. A link without a poll for longer is closed, and its requests fail. */
const GRACE_MS = 5_000;

const CHECK_INTERVAL_MS = 250;

const closed = (): Problem =>
  problem(
    'link-closed',
    'The site has no open link to this central. It opens one as soon as it can reach central.',
  );

interface Pending {
  readonly request: LinkRequest;
  readonly resolve: (response: IncomingResponse) => void;
  readonly reject: (reason: unknown) => void;
}

interface Link {
  preferred: boolean;
  /** The number of waiting polls. It exceeds one if an old connection broke unnoticed. */
  polls: number;
  lastPollAt: number;
  /** Requests that no poll has fetched yet. */
  readonly queue: Pending[];
  /** Requests that the site has fetched and not responded to yet. */
  readonly pending: Map<string, Pending>;
  wake: () => void;
}

export class Links {
  readonly #links = new Map<string, Link>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Finds the open link of a site. `preferred` means that it must be used even if the gateway can be reached. */
  find(site: string): { readonly preferred: boolean } | undefined {
    const link = this.#links.get(site);
    if (!link || (link.polls === 0 && this.#now() - link.lastPollAt > GRACE_MS)) return undefined;
    return link;
  }

  /** Returns a function that sends requests over the link of `site`. */
  sendTo(site: string): Send {
    return async ({ url, method, headers, body, abort }) => {
      const link = this.find(site) && this.#links.get(site);
      if (!link) throw closed();
      if (link.pending.size + link.queue.length >= MAX_LINK_REQUESTS) {
        throw problem('link-busy', 'Too many requests are waiting on the link of this site.');
      }
      abort.throwIfAborted();
      const id = randomBytes(12).toString('base64url');
      const path = `${url.pathname}${url.search}`;
      const request: LinkRequest = { id, method, path, headers: { ...headers }, body };
      return new Promise<IncomingResponse>((resolve, reject) => {
        const remove = (): void => {
          clearInterval(check);
          link.pending.delete(id);
          const index = link.queue.findIndex(queued => queued.request.id === id);
          if (index !== -1) link.queue.splice(index, 1);
          abort.removeEventListener('abort', onAbort);
        };
        const sent: Pending = {
          request,
          resolve(response) {
            remove();
            resolve(response);
          },
          reject(reason) {
            remove();
            reject(reason);
          },
        };
        const onAbort = (): void => sent.reject(abort.reason);
        abort.addEventListener('abort', onAbort, { once: true });
        // A site that has crashed neither polls nor responds, so the request fails as soon as its next poll is overdue.
        const check = setInterval(() => {
          if (!this.find(site)) sent.reject(closed());
        }, CHECK_INTERVAL_MS);
        link.queue.push(sent);
        link.wake();
      });
    };
  }

  /**
   * Serves a poll of a site: returns the queued requests, or the first that arrive within `waitMs`. A poll that does not wait
   * opens the link: the site has restarted since any earlier poll, so requests that it had fetched fail.
   */
  async poll(
    site: string,
    preferred: boolean,
    waitMs: number,
    abort: AbortSignal,
  ): Promise<readonly LinkRequest[]> {
    let link = this.#links.get(site);
    if (!link) {
      link = { preferred, polls: 0, lastPollAt: 0, queue: [], pending: new Map(), wake: () => {} };
      this.#links.set(site, link);
    }
    link.preferred = preferred;
    // An earlier poll has lost its connection. Requests go to this one from now on.
    link.wake();
    if (waitMs === 0) for (const sent of [...link.pending.values()]) sent.reject(closed());
    link.polls++;
    try {
      if (link.queue.length === 0 && waitMs > 0) await waitForRequest(link, waitMs, abort);
    } finally {
      link.polls--;
      // A site that closed the connection while it waited has closed its link.
      link.lastPollAt = abort.aborted ? Number.NEGATIVE_INFINITY : this.#now();
    }
    if (abort.aborted) return [];
    const fetched = link.queue.splice(0);
    for (const sent of fetched) link.pending.set(sent.request.id, sent);
    return fetched.map(({ request }) => request);
  }

  /** Passes a response to the sender of its request. Returns false if no sender waits for it. */
  respond(site: string, id: string, response: IncomingResponse): boolean {
    const sent = this.#links.get(site)?.pending.get(id);
    sent?.resolve(response);
    return sent !== undefined;
  }

  /** Ends all waiting polls. */
  close(): void {
    for (const link of this.#links.values()) link.wake();
  }
}

async function waitForRequest(link: Link, waitMs: number, abort: AbortSignal): Promise<void> {
  await new Promise<void>(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      abort.removeEventListener('abort', done);
      if (link.wake === done) link.wake = () => {};
      resolve();
    };
    const timer = setTimeout(done, waitMs);
    abort.addEventListener('abort', done, { once: true });
    if (abort.aborted) done();
    else link.wake = done;
  });
}
