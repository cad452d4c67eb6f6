/** One request to the upload server, with what the tus library cannot carry from our store to our response. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { VideoId } from '../../../protocol/base/ids.ts';

export interface Exchange {
  readonly request: IncomingMessage;
  /** The id of the upload that this request creates. Its row is written before the library sees the request. */
  readonly newId?: VideoId | undefined;
  /** The upload that the request concerns, for which its sender was checked. The library reads no other id from the address. */
  readonly id?: VideoId | undefined;
  /** True if the bytes of this request have a checksum. */
  readonly hasChecksum?: boolean;
  /** Why the request fails. The library replaces an error of the store with its own error. */
  failure?: unknown;
}

const exchanges = new AsyncLocalStorage<Exchange>();

export const runExchange = <T>(exchange: Exchange, work: () => Promise<T>): Promise<T> =>
  exchanges.run(exchange, work);

export const findExchange = (): Exchange | undefined => exchanges.getStore();

/** Records why the current request fails, if it is in a request. The first failure counts. */
export function recordFailure(failure: unknown): void {
  const exchange = exchanges.getStore();
  if (exchange) exchange.failure ??= failure;
}
