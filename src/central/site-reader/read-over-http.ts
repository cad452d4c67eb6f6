/** Reads a site's database through its gateway, over HTTP. Central signs the requests. */
import { call, type Send, type Signer } from '../../kernel/http/client.ts';
import {
  deliveredCaptionsSchema,
  publishedDigestSchema,
  publishedResponseSchema,
  recordPageSchema,
} from '../../protocol/publication/gateway.ts';
import type { CaptionsReader, OpenGateway, SiteReader } from './site-reader.ts';

/** The time limit of one request. The HTTP client itself limits connecting to 10 s. */
const REQUEST_TIMEOUT_MS = 30_000;
/** The limit for a page of records. It is generous, because a site ends its pages at `MAX_RECORD_PAGE_BYTES`. */
export const MAX_PAGE_RESPONSE_BYTES = 8 * 2 ** 20;
const MAX_SMALL_RESPONSE_BYTES = 64 * 1024;
/** An acknowledgement has about 150 bytes, so a request with 500 of them would exceed the 64 KB that a part accepts. */
const ACKNOWLEDGEMENTS_PER_REQUEST = 250;

export const readOverHttp =
  (signer: Signer): OpenGateway =>
  ({ base_url }) =>
    readGateway(base_url, signer, {});

/** Makes the calls of the gateway over the given transport, which is HTTP by default. */
export function readGateway(
  gateway: string,
  signer: Signer,
  transport: { readonly send?: Send },
): SiteReader & CaptionsReader {
  const common = {
    ...transport,
    signer,
    timeoutMs: REQUEST_TIMEOUT_MS,
    maxBytes: MAX_SMALL_RESPONSE_BYTES,
  };
  return {
    readRecords: (limit, abort) =>
      call(`${gateway}/gateway/records?limit=${limit}`, {
        ...common,
        abort,
        maxBytes: MAX_PAGE_RESPONSE_BYTES,
        response: recordPageSchema,
      }),
    async acknowledge(epoch, acknowledgements, abort) {
      let matched = 0;
      for (let start = 0; start < acknowledgements.length; start += ACKNOWLEDGEMENTS_PER_REQUEST) {
        const published = acknowledgements.slice(start, start + ACKNOWLEDGEMENTS_PER_REQUEST);
        const response = await call(`${gateway}/gateway/published`, {
          ...common,
          abort,
          method: 'POST',
          body: { epoch, published },
          response: publishedResponseSchema,
        });
        matched += response.matched;
      }
      return { matched };
    },
    readDigest: abort =>
      call(`${gateway}/gateway/digest`, { ...common, abort, response: publishedDigestSchema }),
    readCaptions: ({ known, ...query }, abort) =>
      call(`${gateway}/gateway/captions?${new URLSearchParams({ ...query, ...(known ? { known } : {}) })}`, {
        ...common,
        abort,
        maxBytes: MAX_PAGE_RESPONSE_BYTES,
        response: deliveredCaptionsSchema,
      }),
  };
}
