/** A response as it is on the wire, to compare it with another one. */
import { request } from 'node:http';

export interface RawResponse {
  readonly status: number;
  /** In the order in which they arrived, without the date. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The bytes of the body, as latin1. */
  readonly body: string;
}

export interface RawRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export const readRaw = ({ method, url, headers, body }: RawRequest): Promise<RawResponse> =>
  new Promise((done, failed) => {
    const sent = request(url, { method, headers, agent: false }, response => {
      const parts: Buffer[] = [];
      response.on('data', part => parts.push(part));
      response.on('error', failed);
      response.on('end', () => {
        const lines = response.rawHeaders;
        const pairs = lines.flatMap((name, at) =>
          at % 2 === 0 ? [[name, lines[at + 1] ?? ''] as const] : [],
        );
        done({
          status: response.statusCode ?? 0,
          headers: pairs.filter(([name]) => name.toLowerCase() !== 'date'),
          body: Buffer.concat(parts).toString('latin1'),
        });
      });
    });
    sent.on('error', failed);
    sent.end(body);
  });
