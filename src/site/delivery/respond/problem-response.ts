/** Responds with a problem (RFC 9457), through node:http or on a raw socket. */
import type { ServerResponse } from 'node:http';
import { formatResponseHead } from '../../../kernel/http/fast-path.ts';
import { formatProblem, type Problem } from '../../../kernel/problem.ts';
import { CORS_HEADERS } from '../http/headers.ts';

const formatParts = (problem: Problem): { readonly headers: string[]; readonly body: string } => {
  const { headers, body } = formatProblem(problem);
  return { headers: [...CORS_HEADERS, 'Cache-Control', 'no-store', ...Object.entries(headers).flat()], body };
};

/** Destroys a response that has begun, so that the client sees that it is incomplete. */
export function respondProblem(response: ServerResponse, problem: Problem): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { headers, body } = formatParts(problem);
  response.writeHead(problem.status, headers);
  response.end(body);
}

/** The complete response for a raw socket, with the same bytes that node:http would send. */
export function formatProblemResponse(problem: Problem): Buffer {
  const { headers, body } = formatParts(problem);
  return Buffer.from(formatResponseHead(headers, Date.now(), problem.status) + body);
}
