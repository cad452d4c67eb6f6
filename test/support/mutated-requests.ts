/** Makes HTTP requests that differ from an ordinary GET in a few places, reproducibly, as the pieces in which they are sent. */
import { seededRandom } from '../media/mutate.ts';

interface Request {
  method: string;
  target: string;
  version: string;
  /** Complete lines without their ends. */
  headers: string[];
  body: string;
}

type Random = () => number;
type Mutator = (request: Request, random: Random) => void;

const pick = <T>(values: readonly T[], random: Random): T => {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new Error('nothing to choose from');
  return value;
};
const position = (text: string, random: Random): number => Math.floor(random() * (text.length + 1));
const insert = (text: string, piece: string, random: Random): string => {
  const at = position(text, random);
  return text.slice(0, at) + piece + text.slice(at);
};
const addHeader = (request: Request, line: string, random: Random): void =>
  void request.headers.splice(Math.floor(random() * (request.headers.length + 1)), 0, line);

const METHODS = [
  'HEAD',
  'HEAD',
  'POST',
  'OPTIONS',
  'DELETE',
  'PUT',
  'TRACE',
  'get',
  'GETX',
  'G ET',
  '',
  'PRI',
];
const VERSIONS = ['HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', 'HTTP/1.1 ', 'HTTP/11', ''];
const ORIGINS = [
  'http://a.example',
  'https://a.example:8443',
  'HTTP://a',
  'http://u@a',
  'http://',
  'ftp://a',
  '//a',
];
const IN_PATHS = [
  '/',
  '//',
  '/./',
  '/../',
  ';x',
  '\\',
  '#f',
  '%',
  '%2e',
  '%2F',
  '%00',
  '%zz',
  '%ff',
  '%e4%b8%ad',
].concat([' ', '\t', '"', '<', '|', '{', '\x01', '\x7f', '\x80', '\xe4\xb8', '*', '~', '.', '\0']);
const QUERIES = [
  '?',
  '??',
  '?a=b',
  '?a=b&a=c',
  '?CMCD=br%3D1',
  '?%',
  '?%ff',
  '?a=%00',
  '?a=\x80',
  '?a#b',
  '?a[]=1',
  '?session=',
]
  .concat([
    '?client=10.1.2.3',
    '?client=x',
    '?client=a&client=b',
    '?fill=x',
    '?session=x&grant=y',
    '?__proto__=1',
  ])
  .concat([
    '?client=10.1.2.3;x',
    `?session=${'x'.repeat(65)}`,
    '?clien%74=10.1.2.3',
    '?+=+',
    '?=',
    '?&&',
    `?${'a'.repeat(500)}`,
  ]);
const HOSTS = [
  'Host: b.example',
  'host: a.example',
  'HOST:a.example',
  'Host:',
  'Host: ',
  'Host: a b',
  'Host: u@a',
  'Host: a/b',
].concat([
  'Host: a:80',
  'Host: [::1]:80',
  'Host: a:b',
  'Host:\ta\t',
  'Host : a',
  'Host: a,b',
  'Host: \xe4',
  'Hos: a',
  ' Host: a',
]);
const HEADERS = [
  'Range: bytes=0-1',
  'Range: bytes=-5',
  'Range: bytes=5-',
  'Range: bytes=9999999-',
  'Range: bytes=1-0',
]
  .concat([
    'Range: bytes=0-1,3-4',
    'Range: x',
    'range:bytes=0-0',
    'If-Range: "x"',
    'If-None-Match: *',
    'If-None-Match: "x"',
  ])
  .concat(['If-Match: "x"', 'If-Modified-Since: Mon, 30 Nov 2026 00:00:00 GMT', 'If-Unmodified-Since: x'])
  .concat([
    'Connection: close',
    'Connection: Keep-Alive',
    'Connection: keep-alive, close',
    'Connection: x',
    'Connection:',
  ])
  .concat([
    'Connection: keep-alive\t',
    'Connection: Upgrade',
    'Proxy-Connection: close',
    'Keep-Alive: timeout=1',
  ])
  .concat([
    'Expect: 100-continue',
    'Expect: x',
    'Upgrade: h2c',
    'Upgrade: websocket',
    'TE: trailers',
    'Trailer: x',
  ])
  .concat([
    'Content-Length: 0',
    'Content-Length: 00',
    'Content-Length: +0',
    'Content-Length: -1',
    'Content-Length: 0, 0',
  ])
  .concat([
    'Content-Length:',
    'Content-Length: x',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: gzip',
    'Content-Type: x',
  ])
  .concat([
    'Accept: */*',
    'Accept: text/html',
    'Accept-Encoding: identity',
    'Accept-Encoding: gzip',
    'Accept-Encoding: br',
  ])
  .concat([
    'Accept-Encoding: gzip, deflate, br, zstd',
    'Accept-Encoding: gzip;q=0',
    'Accept-Encoding: *',
    'accept-encoding:*;q=0',
  ])
  .concat([
    'Accept-Encoding: gzip;q=0.001, identity;q=0.5',
    'Accept-Encoding:',
    'Accept-Encoding: GZIP',
    'Accept-Encoding: x-gzip',
  ])
  .concat([
    'Origin: https://page.example',
    'Cookie: a=b',
    'Priority: u=1',
    'CMCD-Request: mtp=900',
    'User-Agent: x/1 (y)',
  ])
  .concat([
    'X-Forwarded-For: 10.9.9.9',
    'X-Forwarded-For: 10.9.9.9, 10.8.8.8',
    'X-Forwarded-Proto: https',
    'Forwarded: for=x',
  ])
  .concat([
    'X-Forwarded-For:10.9.9.9\t',
    'X-Forwarded-For: ',
    'X-Forwarded-Proto: https, http',
    'Authorization: Bearer x',
  ])
  .concat([
    'X:',
    'X: \x80\xff',
    'X: a\tb',
    'X: a\0b',
    'X: a\x7fb',
    'X: a\rb',
    'X: a\nb',
    'X : a',
    'X',
    ': a',
    'X@: a',
    'Xä: a',
    'X: \x01',
  ])
  .concat([
    `X: ${'a'.repeat(5_000)}`,
    `X: ${'a'.repeat(17_000)}`,
    'X: a\r\n b',
    'X: a\r\n\tb',
    'X: a\r\n',
    'a'.repeat(300),
  ]);
const BODIES: readonly (readonly [string, string])[] = [
  ['Content-Length: 5', 'hello'],
  ['Content-Length: 5', 'hel'],
  ['Content-Length: 0', 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['Content-Length: 2\r\nContent-Length: 3', 'hey'],
  ['Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\n'],
  ['Transfer-Encoding: chunked', 'g\r\nhello'],
  ['Transfer-Encoding: chunked\r\nContent-Length: 5', '5\r\nhello\r\n0\r\n\r\n'],
  ['Transfer-Encoding: identity, chunked', '0\r\n\r\n'],
  ['Expect: 100-continue\r\nContent-Length: 5', 'hello'],
];

const MUTATORS: readonly Mutator[] = [
  (request, random) => {
    request.method = pick(METHODS, random);
  },
  (request, random) => {
    request.version = pick(VERSIONS, random);
  },
  (request, random) => {
    request.target = pick(ORIGINS, random) + request.target;
  },
  (request, random) => {
    request.target = insert(request.target, pick(IN_PATHS, random), random);
  },
  (request, random) => {
    request.target += pick(QUERIES, random);
  },
  (request, random) => {
    const at = Math.floor(random() * request.target.length);
    const escaped = `%${request.target.charCodeAt(at).toString(16)}`;
    request.target = request.target.slice(0, at) + escaped + request.target.slice(at + 1);
  },
  (request, random) => {
    const at = position(request.target, random);
    request.target = request.target.slice(0, at) + request.target.slice(at).toUpperCase();
  },
  (request, random) => {
    request.target = request.target.slice(0, position(request.target, random));
  },
  (request, random) => {
    request.headers = request.headers.filter(line => !/^host:/i.test(line));
    if (random() < 0.9) addHeader(request, pick(HOSTS, random), random);
  },
  (request, random) => addHeader(request, pick(HOSTS, random), random),
  ...Array.from(
    { length: 6 },
    (): Mutator => (request, random) => addHeader(request, pick(HEADERS, random), random),
  ),
  (request, random) => {
    const [line, body] = pick(BODIES, random);
    addHeader(request, line, random);
    request.body += body;
  },
];

const format = ({ method, target, version, headers, body }: Request): string =>
  `${method} ${target} ${version}\r\n${headers.map(line => `${line}\r\n`).join('')}\r\n${body}`;

/** Damages the bytes of a request: line ends, and single characters. */
function damage(bytes: string, random: Random): string {
  const at = position(bytes, random);
  switch (Math.floor(random() * 8)) {
    case 0:
      return bytes.replaceAll('\r\n', '\n');
    case 1:
      return bytes.replace('\r\n', '\n');
    case 2:
      return bytes.replace('\r\n', '\r');
    case 3:
      return `${pick(['\r\n', '\n', ' ', '\0'], random)}${bytes}`;
    case 4:
      return bytes.slice(0, at) + bytes.slice(at + 1);
    case 5:
      return insert(bytes, String.fromCharCode(Math.floor(random() * 256)), random);
    case 6:
      return bytes.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + bytes.slice(at + 1);
    default:
      return bytes.slice(0, -2);
  }
}

/**
 * @param targets the paths of the requests before mutation
 * @returns the pieces (latin1) of each case. The same seed gives the same cases.
 */
export function mutatedRequests(targets: readonly string[], count: number, seed: number): string[][] {
  const random = seededRandom(seed);
  const one = (): string => {
    const request = {
      method: 'GET',
      target: pick(targets, random),
      version: 'HTTP/1.1',
      headers: ['Host: a.example', 'User-Agent: test', 'Accept-Language: en'],
      body: '',
    };
    for (let left = Math.floor(random() * 4); left > 0; left--) pick(MUTATORS, random)(request, random);
    const bytes = format(request);
    return random() < 0.15 ? damage(bytes, random) : bytes;
  };
  return Array.from({ length: count }, () => {
    const bytes = random() < 0.15 ? one() + one() : one();
    const at = position(bytes, random);
    return random() < 0.1 ? [bytes.slice(0, at), bytes.slice(at)] : [bytes];
  });
}
