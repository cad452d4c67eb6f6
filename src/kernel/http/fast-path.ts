/**
 * A lane below node:http, which costs as much again as a short answer itself (docs/decisions/0005). Takes a connection's
 * requests only in the one form that players and pages send (RFC 9112: one whole GET, no body, no range, no condition), and
 * only those that somebody here answers. At anything else the connection goes to node:http, with every byte it has sent, and
 * stays there: so there is one parser for what is unusual, and none of our own for what is dangerous.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastPath } from './server.ts';

export const KEEP_ALIVE_SECONDS = 65;
const FIRST_BYTE_TIMEOUT_MS = 10_000;
/** Longer heads are rare, and node:http bounds them. */
const MAX_HEAD_BYTES = 4_096;

/**
 * RFC 9112, sections 3 and 5, without what it only tolerates: no folded lines, no bare CR or LF, no space before a colon.
 * What does not match is node's to judge.
 */
const PLAIN_GET =
  /^GET (\/[\x21-\x7e]*) HTTP\/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+\r\n$/;
const HOST = /\r\nhost:/gi;
/** Headers that change the answer or the connection. */
const SPECIAL =
  /\r\n(?:range|tributary-fill|if-[a-z-]+|expect|upgrade|te|trailer|transfer-encoding|content-length|connection:(?![ \t]*keep-alive[ \t]*\r))/i;

/** What a whole head asks for, or undefined where it is not plain. */
export function parsePlainGet(head: string): string | undefined {
  const match = PLAIN_GET.exec(head);
  if (!match || SPECIAL.test(head)) return undefined;
  // Exactly one Host (RFC 9112, section 3.2).
  HOST.lastIndex = 0;
  return HOST.test(head) && !HOST.test(head) ? match[1] : undefined;
}

const REQUEST_LINE = /^GET (\/[\x21-\x7e]*) HTTP\/1\.1$/;

/** The same for one connection, on which a client's header fields are mostly those of its request before. */
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

export interface PlainGet {
  readonly target: string;
  /** All of it, as it came. */
  readonly head: string;
}

/** Who answers the requests of one connection. */
export interface PlainGetHandler {
  /** False: not mine, and the connection is node's from now on. Must not throw. */
  handle(get: PlainGet): boolean;
  /** The connection is gone, also where it was node's by then: an answer may still have been under way. */
  closed?(): void;
}

export function createFastPath(open: (socket: Socket) => PlainGetHandler): FastPath {
  const sockets = new Set<Socket>();

  function accept(socket: Socket, handOver: () => void): void {
    const answerer = open(socket);
    const parse = createPlainGetParser();
    let isFirst = true;
    const onData = (chunk: Buffer): void => {
      const head = chunk.length <= MAX_HEAD_BYTES ? chunk.toString('latin1') : undefined;
      const target = head === undefined ? undefined : parse(head);
      if (head === undefined || target === undefined || !answerer.handle({ target, head })) {
        leave(chunk);
        return;
      }
      // From here on without a byte in either direction for as long as this, the viewer is gone.
      if (isFirst) socket.setTimeout(KEEP_ALIVE_SECONDS * 1_000);
      isFirst = false;
    };
    /** Answers under way go out first: they stand in the same queue. */
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
    const onTimeout = (): void => void socket.destroy();
    const onError = (): void => void socket.destroy();
    // Servers of node:http leave the other direction open when a client ends its own.
    const onEnd = (): void => void socket.end();
    sockets.add(socket);
    socket.on('data', onData);
    socket.on('timeout', onTimeout);
    socket.on('error', onError);
    socket.on('end', onEnd);
    socket.on('close', () => {
      sockets.delete(socket);
      answerer.closed?.();
    });
    socket.setTimeout(FIRST_BYTE_TIMEOUT_MS);
  }

  return {
    accept,
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

const STATUS_LINE = 'HTTP/1.1 200 OK\r\n';
/** Where the date stands in a head. */
export const DATE_OFFSET = STATUS_LINE.length + 'Date: '.length;

/** The head of a whole answer as it stands on the wire, for a connection that stays open; `headers`: name, value, name, … */
export function formatResponseHead(headers: readonly string[], nowMs: number, status = 200): string {
  const lines = [
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
  return `${statusLine}${lines.join('')}\r\n`;
}
