/**
 * The links that sites have opened to this central: questions wait here until the site asks for them, and whoever asked
 * waits for the answer. All bounded: in number by what a site may be asked at once, in time by the asker's own signal.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingResponse, Send } from '../../kernel/http/client.ts';
import { type Problem, problem } from '../../kernel/problem.ts';
import { type LinkRequest, MAX_LINK_REQUESTS } from '../../protocol/link.ts';

/** Between two polls of a site lies one round trip; a link that is silent for longer is closed, and so is the question that waits on it. */
const GRACE_MS = 5_000;

const WATCH_MS = 250;

const closed = (): Problem =>
  problem(
    'link-closed',
    'The site has no link open to this centre. It opens one by itself when it can reach the centre.',
  );

interface Pending {
  readonly question: LinkRequest;
  readonly resolve: (answer: IncomingResponse) => void;
  readonly reject: (reason: unknown) => void;
}

interface Link {
  preferred: boolean;
  /** Polls that wait now: more than one where an old connection has died unnoticed. */
  polls: number;
  lastPollAt: number;
  readonly waiting: Pending[];
  readonly asked: Map<string, Pending>;
  wake: () => void;
}

export class Links {
  readonly #links = new Map<string, Link>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** `preferred`: to be used even where the gateway can be reached. */
  find(site: string): { readonly preferred: boolean } | undefined {
    const link = this.#links.get(site);
    if (!link || (link.polls === 0 && this.#now() - link.lastPollAt > GRACE_MS)) return undefined;
    return link;
  }

  /** Sends one request over the link of `site`. */
  sendTo(site: string): Send {
    return async ({ url, method, headers, body, abort: signal }) => {
      const link = this.find(site) && this.#links.get(site);
      if (!link) {
        throw closed();
      }
      if (link.asked.size + link.waiting.length >= MAX_LINK_REQUESTS) {
        throw problem('link-busy', 'The link of this site has too many questions under way.');
      }
      const id = randomBytes(12).toString('base64url');
      const path = `${url.pathname}${url.search}`;
      const question: LinkRequest = { id, method, path, headers: { ...headers }, body };
      return new Promise<IncomingResponse>((resolve, reject) => {
        const forget = (): void => {
          clearInterval(watch);
          link.asked.delete(id);
          const index = link.waiting.findIndex(pending => pending.question.id === id);
          if (index !== -1) link.waiting.splice(index, 1);
          signal.removeEventListener('abort', onAbort);
        };
        const onAbort = (): void => {
          forget();
          reject(signal.reason);
        };
        if (signal.aborted) {
          forget();
          return reject(signal.reason);
        }
        signal.addEventListener('abort', onAbort, { once: true });
        // A site that dies fetches no question and answers none in its hand: nobody waits longer for it than for its next poll.
        const watch = setInterval(() => {
          if (!this.find(site)) pending.reject(closed());
        }, WATCH_MS);
        const pending: Pending = {
          question,
          resolve(respond) {
            forget();
            resolve(respond);
          },
          reject(reason) {
            forget();
            reject(reason);
          },
        };
        link.waiting.push(pending);
        link.wake();
      });
    };
  }

  /**
   * A site asks for questions: those that there are, or the first that come within `waitMs`. One that does not wait begins
   * its link: if it had questions in its hand before, it has died since and will not answer them.
   */
  async poll(
    site: string,
    preferred: boolean,
    waitMs: number,
    gone: AbortSignal,
  ): Promise<readonly LinkRequest[]> {
    let link = this.#links.get(site);
    if (!link) {
      link = { preferred, polls: 0, lastPollAt: 0, waiting: [], asked: new Map(), wake: () => {} };
      this.#links.set(site, link);
    }
    link.preferred = preferred;
    // A poll before this one has lost its site; what is asked now goes to this one.
    link.wake();
    if (waitMs === 0) for (const pending of [...link.asked.values()]) pending.reject(closed());
    link.polls++;
    try {
      if (link.waiting.length === 0 && waitMs > 0) await untilWoken(link, waitMs, gone);
    } finally {
      link.polls--;
      // Whoever went away while it waited has no link any more.
      link.lastPollAt = gone.aborted ? Number.NEGATIVE_INFINITY : this.#now();
    }
    if (gone.aborted) return [];
    const taken = link.waiting.splice(0);
    for (const pending of taken) link.asked.set(pending.question.id, pending);
    return taken.map(({ question }) => question);
  }

  /** False: there is no such question any more. */
  answer(site: string, id: string, answer: IncomingResponse): boolean {
    const pending = this.#links.get(site)?.asked.get(id);
    pending?.resolve(answer);
    return pending !== undefined;
  }

  /** Ends all waits. */
  close(): void {
    for (const link of this.#links.values()) link.wake();
  }
}

async function untilWoken(link: Link, waitMs: number, gone: AbortSignal): Promise<void> {
  await new Promise<void>(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      gone.removeEventListener('abort', done);
      if (link.wake === done) link.wake = () => {};
      resolve();
    };
    const timer = setTimeout(done, waitMs);
    gone.addEventListener('abort', done, { once: true });
    if (gone.aborted) done();
    else link.wake = done;
  });
}
