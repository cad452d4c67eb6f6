/**
 * The link: what a site behind NAT, to which nobody can connect, opens to central, so that central can read its database
 * all the same. It is nothing but the gateway's own requests the other way round: the site asks for questions and waits;
 * each question is a request to its gateway, signed by central as over HTTP; the site answers it on a call of its own.
 */
import * as z from 'zod';

/** Central holds a site's request for questions back for so long, if there are none. */
export const LINK_WAIT_S = 25;
export const MAX_LINK_QUESTIONS = 16;

/** The authority that a question is signed for: it names the site, so a question to one site is none to another. */
export const linkAuthority = (site: string): string => `${site}.link`;

/** `POST /api/link/questions` (site, signed) */
export const linkPollSchema = z.strictObject({
  /** The site’s operator wants to be read over the link, also where its gateway could be reached. */
  preferred: z.boolean(),
  /** Its first poll since the link was opened is answered at once. */
  wait: z.boolean(),
});

export const linkQuestionSchema = z.strictObject({
  id: z.string().min(1).max(64),
  method: z.enum(['GET', 'POST']),
  /** Path and query. Nothing but the gateway is reached over the link. */
  path: z.string().regex(/^\/gateway\/[\x21-\x7e]{1,500}$/),
  headers: z.record(z.string().max(64), z.string().max(2_000)),
  body: z.string(),
});
export type LinkQuestion = z.infer<typeof linkQuestionSchema>;
export const linkQuestionsSchema = z.strictObject({
  questions: z.array(linkQuestionSchema).max(MAX_LINK_QUESTIONS),
});

/** `POST /api/link/answers/{id}?status=` (site, signed): the body is the gateway's answer as it came. */
export const linkAnswerQuerySchema = z.object({ status: z.coerce.number().int().min(100).max(599) });
export const LINK_ANSWER_TYPE = 'application/octet-stream';
