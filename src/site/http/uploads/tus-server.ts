/**
 * The tus library, with errors as problem details (RFC 9457), and with the status codes of tus 1.0.0 where the library uses
 * others.
 */
import type { IncomingMessage } from 'node:http';
import { Server } from '@tus/server';
import { formatProblem, problem } from '../../../kernel/problem.ts';
import type { ProblemCode } from '../../../protocol/problems.ts';

export const TUS_VERSION = '1.0.0';
const OFFSET_TYPE = 'application/offset+octet-stream';

/** The code and the sentence for the uploader, by the status with which the library refuses a request. */
const REFUSALS: Readonly<Record<number, readonly [code: ProblemCode, detail: string]>> = {
  400: ['upload-malformed', 'A header of this request does not conform to tus 1.0.0.'],
  403: ['upload-finished', 'This upload is complete and has become a video. Withdraw it in the studio.'],
  404: ['upload-unknown', 'This site has no such upload. Start a new one.'],
  409: [
    'upload-offset-conflict',
    'The upload is at another offset. Request the offset with HEAD and continue from there.',
  ],
  410: ['upload-gone', 'This upload has ended. Start a new one.'],
  413: ['upload-too-large', 'The request has more bytes than announced.'],
  423: ['upload-busy', 'Another request is writing to this upload. Try again in a moment.'],
  503: [
    'database-unavailable',
    'This site cannot store the state of the upload at the moment. Received bytes are kept. Request the offset with HEAD and continue in a moment.',
  ],
  507: ['disk-full', 'The disk of this site is full. The upload can be resumed when there is space.'],
};

const FAILED = ['upload-failed', 'The upload failed. Try to resume it.'] as const;

/** @throws Problem if the request does not conform to tus 1.0.0 (section "Core Protocol"), before a byte is accepted */
export function requireTus({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): void {
  if (method === 'OPTIONS') return;
  if (headers['tus-resumable'] !== TUS_VERSION)
    throw problem('tus-version-unsupported', `Send "Tus-Resumable: ${TUS_VERSION}".`, {
      headers: { 'tus-version': TUS_VERSION },
    });
  if (method !== 'PATCH') return;
  if (headers['content-type'] !== OFFSET_TYPE)
    throw problem('upload-type-wrong', `Send the bytes as "Content-Type: ${OFFSET_TYPE}".`);
  const offset = headers['upload-offset'];
  if (typeof offset !== 'string' || !/^\d{1,15}$/.test(offset))
    throw problem('upload-offset-needed', 'Send the offset of the first byte in Upload-Offset.');
}

export class TusServer extends Server {
  override async write(
    ...[context, headers, status, body]: Parameters<Server['write']>
  ): ReturnType<Server['write']> {
    if (status < 400) return super.write(context, headers, status, body);
    const [code, detail] = REFUSALS[status] ?? FAILED;
    const response = formatProblem(problem(code, detail));
    for (const [name, value] of Object.entries(response.headers)) headers.set(name, value);
    return super.write(context, headers, response.status, response.body);
  }
}
