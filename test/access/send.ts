/** Sends requests over kept connections, which takes much less time than `fetch`: the matrix consists of thousands. */
import { Agent, request } from 'node:http';
import type { Headers } from './scene.ts';

const agent = new Agent({ keepAlive: true, maxSockets: 8 });

export interface Sent {
  readonly headers?: Headers;
  readonly body?: string | undefined;
}

export interface Received {
  readonly status: number;
  /** The status, and the problem code if it is no success. */
  readonly outcome: string;
  readonly text: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

export const send = (method: string, url: string, { headers = {}, body }: Sent = {}): Promise<Received> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { method, agent, headers }, response => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode: status = 0 } = response;
        const text = Buffer.concat(chunks).toString();
        const code = status >= 400 && text.startsWith('{') ? ` ${JSON.parse(text).code}` : '';
        resolve({ status, outcome: `${status}${code}`, text, headers: response.headers });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
