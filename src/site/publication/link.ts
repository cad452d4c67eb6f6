/**
 * The link, from the site's side: asks central for its questions, puts each to our own gateway as if it had come over
 * HTTP (central's signature is verified there as ever), and brings the answer. Open only where it is wanted.
 */
import * as z from 'zod';
import { call } from '../../kernel/http/client.ts';
import type { HttpServer } from '../../kernel/http/server.ts';
import type { MemberIdentity } from '../../kernel/identity/member.ts';
import { signerOf } from '../../kernel/identity/member.ts';
import { type Repeating, repeat } from '../../kernel/lifecycle/repeat.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import {
  LINK_ANSWER_TYPE,
  LINK_WAIT_S,
  type LinkQuestion,
  linkAuthority,
  linkQuestionsSchema,
} from '../../protocol/link.ts';

const POLL_TIMEOUT_MS = (LINK_WAIT_S + 10) * 1_000;
const ANSWER_TIMEOUT_MS = 30_000;
const MAX_QUESTIONS_BYTES = 4 * 2 ** 20;
const CLOSED_MS = 60_000;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;

export interface LinkDeps {
  readonly app: HttpServer;
  readonly identity: () => MemberIdentity;
  /** Undefined: no link is wanted now. `wake` it when that changes. */
  readonly wanted: () => { readonly preferred: boolean } | undefined;
  readonly log: Log;
}

export function startLink({ app, identity, wanted, log }: LinkDeps): Repeating {
  let isOpen = false;
  let retryMs = FIRST_RETRY_MS;
  const answering = new Set<Promise<void>>();

  const repeating = repeat(async signal => {
    const { key, membership } = identity();
    const wish = wanted();
    if (!membership || !wish) return CLOSED_MS;
    const signer = signerOf(key, membership);
    try {
      const { questions } = await call(`${membership.centralUrl}/api/link/questions`, {
        method: 'POST',
        // The first is answered at once, so that we know whether there is a link.
        body: { preferred: wish.preferred, wait: isOpen },
        signer,
        timeoutMs: POLL_TIMEOUT_MS,
        maxBytes: MAX_QUESTIONS_BYTES,
        abort: signal,
        response: linkQuestionsSchema,
      });
      if (!isOpen) log.info({ central: membership.centralUrl }, 'a link to central is open');
      isOpen = true;
      retryMs = FIRST_RETRY_MS;
      for (const question of questions) {
        const answer: Promise<void> = ask(app, membership.id, question)
          .then(({ status, text }) =>
            call(`${membership.centralUrl}/api/link/answers/${question.id}?status=${status}`, {
              method: 'POST',
              content: { type: LINK_ANSWER_TYPE, text },
              signer,
              timeoutMs: ANSWER_TIMEOUT_MS,
              maxBytes: MAX_QUESTIONS_BYTES,
              abort: signal,
              response: z.unknown(),
            }),
          )
          .then(
            () => {},
            error => {
              if (!signal.aborted)
                log.warn({ reason: messageOf(error) }, 'central took no answer over the link');
            },
          )
          .finally(() => answering.delete(answer));
        answering.add(answer);
      }
      return 0;
    } catch (error) {
      if (signal.aborted) return 0;
      if (isOpen) log.warn({ reason: messageOf(error) }, 'the link to central broke off');
      isOpen = false;
      const delayMs = retryMs * (0.5 + Math.random() / 2);
      retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
      return delayMs;
    }
  });
  return {
    wake: repeating.wake,
    async stop() {
      await repeating.stop();
      await Promise.all(answering);
    },
  };
}

async function ask(
  app: HttpServer,
  site: string,
  { method, path, headers, body }: LinkQuestion,
): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await app.inject({
    method,
    url: path,
    headers: { ...headers, host: linkAuthority(site) },
    ...(method === 'POST' ? { payload: body } : {}),
  });
  return { status: answer.statusCode, text: answer.body };
}
