/**
 * The tus library as a function from a request to a response. It sees the headers of tus only. Its refusals become problem
 * details (RFC 9457), with the status codes of tus 1.0.0 where the library uses others.
 */
import type { IncomingMessage } from 'node:http';
import { ERRORS, Server } from '@tus/server';
import { type Problem, problem } from '../../../kernel/problem.ts';
import type { ProblemCode } from '../../../protocol/problems.ts';
import { CHECKSUM_ALGORITHMS } from './checksum.ts';
import { type Exchange, recordFailure, runExchange } from './exchange.ts';

export const TUS_VERSION = '1.0.0';
/** Bytes of a request that wait to be stored. */
const BUFFERED_BYTES = 256 * 2 ** 10;
const OFFSET_TYPE = 'application/offset+octet-stream';
const METHODS = ['POST', 'HEAD', 'PATCH', 'OPTIONS', 'DELETE'];
/** All other headers, for example those of proxies, do not concern the library, which would check some of them. */
const LIBRARY_HEADERS =
  /^(tus-resumable|upload-(offset|length|defer-length|metadata)|content-(type|length))$/;

const UNKNOWN = ['upload-unknown', 'This site has no such upload. Start a new one.'] as const;
export const uploadUnknown = (): Problem => problem(...UNKNOWN);

/** The code and the sentence for the uploader, by the status with which the library refuses a request. */
const REFUSALS: Readonly<Record<number, readonly [code: ProblemCode, detail: string]>> = {
  403: ['upload-finished', 'This upload is complete and has become a video. Withdraw it in the studio.'],
  404: UNKNOWN,
  409: [
    'upload-offset-conflict',
    'The upload is at another offset. Request the offset with HEAD and continue from there.',
  ],
  410: ['upload-gone', 'This upload has ended. Start a new one.'],
  413: ['upload-too-large', 'The request has more bytes than announced.'],
};

/**
 * The method of a request. "The X-HTTP-Method-Override request header MUST be a string which MUST be interpreted as the
 * request's method by the Server, if the header is presented. The actual method of the request MUST be ignored." (tus 1.0.0,
 * section "X-HTTP-Method-Override")
 *
 * @throws Problem 405 `method-not-allowed`
 */
export function methodOf({ method = '', headers }: Pick<IncomingMessage, 'method' | 'headers'>): string {
  const override = headers['x-http-method-override']?.toString().trim().toUpperCase();
  const requested = override || method;
  if (METHODS.includes(requested)) return requested;
  throw problem('method-not-allowed', 'Uploads cannot be read. Use POST, HEAD, PATCH, DELETE or OPTIONS.', {
    headers: { allow: METHODS.join(', ') },
  });
}

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
  /** @throws Problem, or the error with which the store failed */
  async respond(exchange: Exchange): Promise<Response> {
    const response = await runExchange(exchange, () => this.handleWeb(toWebRequest(exchange.request)));
    if (response.status < 400) return addAlgorithms(exchange.request, removeCors(response));
    throw exchange.failure ?? toRefusal(response.status, await response.text());
  }
}

/** The library allows every origin to read some headers; our settings decide that. */
function removeCors(response: Response): Response {
  for (const name of [...response.headers.keys()])
    if (name.startsWith('access-control-')) response.headers.delete(name);
  return response;
}

/** "The Tus-Checksum-Algorithm header MUST be included in the response to an OPTIONS request." (section "Checksum") */
function addAlgorithms({ method }: IncomingMessage, response: Response): Response {
  if (method === 'OPTIONS') response.headers.set('tus-checksum-algorithm', CHECKSUM_ALGORITHMS.join(','));
  return response;
}

/** For `onResponseError`: errors of our own code, which the library would respond to with 500. */
export function recordError(error: Error | { status_code: number; body: string }): undefined {
  if (error instanceof Error && !('status_code' in error)) recordFailure(error);
}

function toRefusal(status: number, text: string): Problem {
  if (text === ERRORS.INVALID_LENGTH.body)
    return problem(
      'upload-malformed',
      'Upload-Length of this request is not possible: an upload has one length, which is not less than its offset.',
    );
  if (text === ERRORS.ABORTED.body)
    return problem('upload-busy', 'Another request continues this upload. Send no more bytes with this one.');
  const [headers] = /(?<=^Invalid )[a-z -]+/.exec(text) ?? [];
  if (status === 400)
    return problem(
      'upload-malformed',
      `${headers ? `The header ${headers}` : 'A header of this request'} does not conform to tus 1.0.0.`,
    );
  const [code, detail] = REFUSALS[status] ?? ['upload-failed', 'The upload failed. Try to resume it.'];
  return problem(code, detail);
}

function toWebRequest(request: IncomingMessage): Request {
  const { method = '' } = request;
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (LIBRARY_HEADERS.test(name) && value !== undefined) headers.set(name, value.toString());
  }
  const body = method === 'POST' || method === 'PATCH' ? readBody(request) : null;
  return new Request(new URL(request.url ?? '/', 'http://upload'), {
    method,
    headers,
    ...(body ? { body, duplex: 'half' } : {}),
  });
}

/** A body that ends where its connection is lost: the stream of an error would drop the bytes that are not yet stored. */
function readBody(request: IncomingMessage): ReadableStream<Buffer> {
  let isOpen = true;
  return new ReadableStream<Buffer>(
    {
      start(controller) {
        const close = (): void => {
          if (isOpen) controller.close();
          isOpen = false;
        };
        request.on('data', (chunk: Buffer) => {
          if (!isOpen) return;
          controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) <= 0) request.pause();
        });
        request.once('end', close);
        request.once('error', close);
        request.once('close', close);
      },
      pull: () => void request.resume(),
      cancel() {
        isOpen = false;
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: BUFFERED_BYTES }),
  );
}
