/**
 * A raw-socket fast path for plain GETs, because node:http costs as much as sending a short response
 * (docs/decisions/0005-raw-socket-fast-path.md). It accepts only the one form of request that players and pages send (RFC 9112:
 * one complete GET without body, range or condition), and only those that its handler serves. Any other request moves the
 * connection to node:http, with every byte, for good. So unusual requests have one parser, and it is not this one.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { afterReading } from './connections/after-reading.ts';
import type { FastPath } from './server.ts';

const KEEP_ALIVE_SECONDS = 65;
const FIRST_BYTE_TIMEOUT_MS = 10_000;
/** Longer heads are rare, and left to node:http, which limits them. */
const MAX_HEAD_BYTES = 4_096;

/**
 * RFC 9112, sections 3 and 5, without the forms that it only tolerates: no folded lines, no bare CR or LF, no space before a
 * colon. Anything else is handed to node:http.
 */
const PLAIN_GET =
  /^GET (\/[\x21-\x7e]*) HTTP\/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+\r\n$/;
const HOST = /\r\nhost:/gi;
/** Headers that change the response or the connection. */
const SPECIAL =
  /\r\n(?:range|tributary-fill|if-[a-z-]+|expect|upgrade|te|trailer|transfer-encoding|content-length|proxy-connection|connection:(?![ \t]*keep-alive[ \t]*\r))/i;

/** Returns the target of a complete head; undefined if it is not a plain GET. */
export function parsePlainGet(head: string): string | undefined {
  const match = PLAIN_GET.exec(head);
  if (!match || SPECIAL.test(head)) return undefined;
  // There must be exactly one Host (RFC 9112, section 3.2).
  HOST.lastIndex = 0;
  return HOST.test(head) && !HOST.test(head) ? match[1] : undefined;
}

const REQUEST_LINE = /^GET (\/[\x21-\x7e]*) HTTP\/1\.1$/;

/** The same parser for one connection, on which most requests repeat the header fields of the one before. */
export function createPlainGetParser(): typeof parsePlainGet {
  let fields = '';
  return head => {
    const lineEnd = head.indexOf('\r\n');
    if (fields !== '' && head.length - lineEnd === fields.length && head.endsWith(fields))
      return REQUEST_LINE.exec(head.slice(0, lineEnd))?.[1];
    const target = parsePlainGet(head);
    fields = target === undefined ? '' : head.slice(lineEnd);
    return target;
  };
}

interface PlainGet {
  readonly target: string;
  /** The complete head as it was received. */
  readonly head: string;
}

/** Serves the requests of one connection. */
export interface PlainGetHandler {
  /** Returns false if it does not serve this request: node:http has the connection from then on. Must not throw. */
  handle(get: PlainGet): boolean;
  /** The connection was closed. Also called after node:http has taken it, because a response may still have been in progress. */
  closed?(): void;
}

export interface FastPathOptions {
  /** A new connection that sends nothing for this time is closed. */
  readonly firstByteTimeoutMs?: number;
}

export function createFastPath(
  open: (socket: Socket) => PlainGetHandler,
  { firstByteTimeoutMs = FIRST_BYTE_TIMEOUT_MS }: FastPathOptions = {},
): FastPath {
  const sockets = new Set<Socket>();

  function accept(socket: Socket, handOver: () => void): void {
    const handler = open(socket);
    const parse = createPlainGetParser();
    let isFirst = true;
    const onData = (chunk: Buffer): void => {
      const head = chunk.length <= MAX_HEAD_BYTES ? chunk.toString('latin1') : undefined;
      const target = head === undefined ? undefined : parse(head);
      if (head === undefined || target === undefined || !handler.handle({ target, head })) {
        leave(chunk);
        return;
      }
      // After this time without a byte in either direction, the viewer has left.
      if (isFirst) socket.setTimeout(KEEP_ALIVE_SECONDS * 1_000);
      isFirst = false;
    };
    /** Responses in progress are sent first, because they are in the same queue. */
    const leave = (chunk: Buffer): void => {
      sockets.delete(socket);
      socket.off('data', onData);
      socket.off('timeout', onTimeout);
      socket.off('error', onError);
      socket.off('end', onEnd);
      socket.setTimeout(0);
      socket.pause();
      socket.unshift(chunk);
      handOver();
      socket.resume();
    };
    const onTimeout = (): void =>
      afterReading(socket, isIdle => {
        if (isIdle && sockets.has(socket)) socket.destroy();
      });
    const onError = (): void => void socket.destroy();
    // The servers of node:http keep their direction open when a client has ended its own.
    const onEnd = (): void => void socket.end();
    sockets.add(socket);
    socket.on('data', onData);
    socket.on('timeout', onTimeout);
    socket.on('error', onError);
    socket.on('end', onEnd);
    socket.on('close', () => {
      sockets.delete(socket);
      handler.closed?.();
    });
    socket.setTimeout(firstByteTimeoutMs);
  }

  return {
    accept,
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

const STATUS_LINE = 'HTTP/1.1 200 OK\r\n';
/** The offset of the date in a head. */
export const DATE_OFFSET = STATUS_LINE.length + 'Date: '.length;

/** Formats the head of a complete response on a connection that stays open. `headers` alternates names and values. */
export function formatResponseHead(headers: readonly string[], nowMs: number, status = 200): string {
  const fields = [
    'Date',
    new Date(nowMs).toUTCString(),
    ...headers,
    'Connection',
    'keep-alive',
    'Keep-Alive',
    `timeout=${KEEP_ALIVE_SECONDS}`,
  ].map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`));
  const statusLine =
    status === 200 ? STATUS_LINE : `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n`;
  return `${statusLine}${fields.join('')}\r\n`;
}

const ACCEPT_ENCODING = /\r\naccept-encoding:[ \t]*([^\r]*)/gi;

/** Like node:http, this joins repeated headers into one list. Undefined without one. */
export function readAcceptEncoding(head: string): string | undefined {
  const values = [...head.matchAll(ACCEPT_ENCODING)].map(([, value = '']) => value.trimEnd());
  return values.length === 0 ? undefined : values.join(', ');
}
