/** Reads a site's database through its gateway, over HTTP, signed by central. */
import { call, type Send, type Signer } from '../../kernel/http/client.ts';
import {
  publishedDigestSchema,
  publishedResponseSchema,
  recordPageSchema,
} from '../../protocol/publication/gateway.ts';
import type { OpenReader, SiteReader } from './site-reader.ts';

/** For one request; connecting is bounded to 10 s by the HTTP client itself. */
const REQUEST_TIMEOUT_MS = 30_000;
/** A page of records: 500 rows may be long ones. A site cuts its pages at MAX_RECORD_PAGE_BYTES, so this is ample. */
export const MAX_PAGE_RESPONSE_BYTES = 8 * 2 ** 20;
const MAX_SMALL_ANSWER_BYTES = 64 * 1024;
/** An acknowledgement has about 150 bytes, and a request of 500 would not fit the 64 KB that a part takes. */
const ACKNOWLEDGEMENTS_A_REQUEST = 250;

export const readOverHttp =
  (signer: Signer): OpenReader =>
  ({ base_url }) =>
    readGateway(base_url, signer, {});

/** The gateway's three calls, whichever way they are sent. */
export function readGateway(gateway: string, signer: Signer, way: { readonly send?: Send }): SiteReader {
  const bounds = { ...way, signer, timeoutMs: REQUEST_TIMEOUT_MS, maxBytes: MAX_SMALL_ANSWER_BYTES };
  return {
    readRecords: (limit, signal) =>
      call(`${gateway}/gateway/records?limit=${limit}`, {
        ...bounds,
        abort: signal,
        maxBytes: MAX_PAGE_RESPONSE_BYTES,
        response: recordPageSchema,
      }),
    async acknowledge(epoch, acknowledgements, signal) {
      let matched = 0;
      for (let start = 0; start < acknowledgements.length; start += ACKNOWLEDGEMENTS_A_REQUEST) {
        const published = acknowledgements.slice(start, start + ACKNOWLEDGEMENTS_A_REQUEST);
        const answer = await call(`${gateway}/gateway/published`, {
          ...bounds,
          abort: signal,
          method: 'POST',
          body: { epoch, published },
          response: publishedResponseSchema,
        });
        matched += answer.matched;
      }
      return { matched };
    },
    readDigest: signal =>
      call(`${gateway}/gateway/digest`, { ...bounds, abort: signal, response: publishedDigestSchema }),
  };
}
