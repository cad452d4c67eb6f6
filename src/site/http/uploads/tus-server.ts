/**
 * The tus library, with its refusals as problem details (RFC 9457), and with the status codes that tus 1.0.0 demands where the
 * library gives others.
 */
import type { IncomingMessage } from 'node:http';
import { Server } from '@tus/server';
import { formatProblem, problem } from '../../../kernel/problem.ts';
import type { ProblemCode } from '../../../protocol/problems.ts';

export const TUS_VERSION = '1.0.0';
const OFFSET_TYPE = 'application/offset+octet-stream';

/** What the library refuses, by its status: a code and a sentence for whoever uploads. */
const REFUSALS: Readonly<Record<number, readonly [code: ProblemCode, detail: string]>> = {
  400: ['upload-malformed', 'A header of this request is not as tus 1.0.0 has it.'],
  403: ['upload-finished', 'All of this upload has arrived: it is a video now. Withdraw it in the studio.'],
  404: ['upload-unknown', 'There is no such upload here. Begin a new one.'],
  409: [
    'upload-offset-conflict',
    'The upload stands at another byte. Ask where (HEAD), and go on from there.',
  ],
  410: ['upload-gone', 'This upload is over. Begin a new one.'],
  413: ['upload-too-large', 'These are more bytes than were announced.'],
  423: ['upload-busy', 'Another request is writing to this upload. Try again in a moment.'],
  503: [
    'database-unavailable',
    'This site cannot note the upload at present. What arrived is kept; ask where it stands (HEAD) and go on in a moment.',
  ],
  507: ['disk-full', 'The disk of this site is full. The upload can go on when there is space.'],
};

const FAILED = ['upload-failed', 'The upload failed at this site. Try to resume it.'] as const;

/** @throws Problem where the request is not of tus 1.0.0 (section "Core Protocol"): it is judged before a byte is taken. */
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
    throw problem('upload-offset-needed', 'Say where these bytes begin (Upload-Offset).');
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
