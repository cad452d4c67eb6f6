/**
 * The rules of RFC 9112 that node:http does not enforce: one valid Host (section 3.2), targets in absolute form (section 3.2.2),
 * and no transfer coding except chunked (section 6.1). Every part applies them before any other code sees the request.
 */
import type { IncomingMessage } from 'node:http';
import { type Problem, problem } from '../problem.ts';

const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)(.*)$/i;
/** uri-host [ ":" port ] (RFC 9110, section 7.2), with the characters of RFC 3986, section 3.2.2. */
const AUTHORITY = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._~%!$&'()*+,;=-]*)(?::[0-9]*)?$/i;

/**
 * Rewrites a target in absolute form to origin form, and Host to its authority.
 *
 * @returns why the request must be refused and its connection closed; undefined if it is valid
 */
export function checkRequest(request: IncomingMessage): Problem | undefined {
  const { headers, rawHeaders, httpVersionMinor } = request;
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  if (hosts > 1 || (hosts === 0 && httpVersionMinor > 0)) return invalid('Send exactly one Host header.');
  if (!AUTHORITY.test(headers.host ?? ''))
    return invalid('Host must be a name or an address with an optional port.');
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || httpVersionMinor === 0))
    return invalid('The only transfer coding is "chunked", in HTTP/1.1.');
  const [, authority, rest = ''] = ABSOLUTE_FORM.exec(request.url ?? '') ?? [];
  if (authority === undefined) return undefined;
  if (authority === '' || !AUTHORITY.test(authority)) return invalid('The target names no valid host.');
  headers.host = authority;
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  return undefined;
}

const invalid = (detail: string): Problem =>
  problem('request-invalid', detail, { headers: { connection: 'close' } });
