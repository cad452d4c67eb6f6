/** Words the usual errors of the operating system (`ECONNREFUSED`, `ENOENT`, …) as sentences without a full stop. */
import { errorCodeOf } from './error-code.ts';

interface Place {
  /** `HOST:PORT`, the name of a host, or "the other side". */
  readonly peer: string;
  /** The file or directory, if the error names one. */
  readonly path: string | undefined;
  /** The call that failed, for example `connect`, `listen`, `open`. */
  readonly call: string;
}

const NO_NAME = ({ peer }: Place): string => `name servers do not know ${peer}`;
const NO_ROUTE = ({ peer }: Place): string => `${peer} is not reachable over the network`;
const CLOSED = ({ peer }: Place): string => `${peer} closed the connection`;
const TIMED_OUT = ({ peer }: Place): string => `${peer} did not respond in time`;

const NETWORK: Readonly<Record<string, (place: Place) => string>> = {
  ECONNREFUSED: ({ peer }) => `${peer} refuses connections`,
  ECONNRESET: CLOSED,
  EPIPE: CLOSED,
  UND_ERR_SOCKET: CLOSED,
  ETIMEDOUT: TIMED_OUT,
  UND_ERR_CONNECT_TIMEOUT: TIMED_OUT,
  UND_ERR_HEADERS_TIMEOUT: TIMED_OUT,
  UND_ERR_BODY_TIMEOUT: TIMED_OUT,
  EHOSTUNREACH: NO_ROUTE,
  ENETUNREACH: NO_ROUTE,
  ENETDOWN: NO_ROUTE,
  ENOTFOUND: NO_NAME,
  EAI_AGAIN: ({ peer }) => `no name server responded when asked for ${peer}`,
};

const LISTEN: Readonly<Record<string, (place: Place) => string>> = {
  EADDRINUSE: ({ peer }) => `${peer} is already in use by another program (set another \`listen\`)`,
  EADDRNOTAVAIL: ({ peer }) => `this machine does not have the address ${peer} (set another \`listen\`)`,
  EACCES: ({ peer }) => `this user may not listen on ${peer} (set a port above 1023 in \`listen\`)`,
};

const FILES: Readonly<Record<string, (path: string) => string>> = {
  ENOENT: path => `there is no file or directory ${path}`,
  EACCES: path => `this user may not access ${path}`,
  EPERM: path => `this user may not access ${path}`,
  EEXIST: path => `${path} exists already`,
  ENOTDIR: path => `a part of the path ${path} is a file`,
  EISDIR: path => `${path} is a directory`,
  EROFS: path => `${path} is on a read-only file system`,
  ENOSPC: path => `the disk of ${path} is full`,
  EDQUOT: path => `the disk quota for ${path} is used up`,
  EIO: path => `the disk of ${path} reports an error`,
};

/** @returns undefined for an error that is not one of these */
export function describeSystemError(error: unknown): string | undefined {
  const code = errorCodeOf(error);
  if (code === undefined) return undefined;
  const place = placeOf(error);
  if (place.call === 'listen') return LISTEN[code]?.(place);
  if (code === 'ENOENT' && place.call.startsWith('spawn'))
    return `the program ${place.path ?? ''} was not found`;
  if (place.path !== undefined) return FILES[code]?.(place.path);
  return NETWORK[code]?.(place);
}

function placeOf(error: unknown): Place {
  const { address, port, hostname, path, syscall } = error as Readonly<Record<string, unknown>>;
  const host = typeof address === 'string' ? address : typeof hostname === 'string' ? hostname : undefined;
  const shown = host?.includes(':') ? `[${host}]` : host;
  return {
    peer: shown === undefined ? 'the other side' : typeof port === 'number' ? `${shown}:${port}` : shown,
    path: typeof path === 'string' ? path : undefined,
    call: typeof syscall === 'string' ? syscall : '',
  };
}
