/** A tracker as central sees one: it reads the change feed and reports the states of sites, signed as a real tracker does. */
import * as z from 'zod';
import { call, type Signer } from '../../src/kernel/http/client.ts';
import type { SiteId } from '../../src/protocol/base/ids.ts';
import { type Change, changePageSchema } from '../../src/protocol/central.ts';
import { type CentralUnderTest, REQUEST_LIMITS } from './central-requests.ts';

export class TestTracker {
  readonly signer: Signer;
  readonly #central: CentralUnderTest;

  constructor(central: CentralUnderTest, signer: Signer) {
    this.#central = central;
    this.signer = signer;
  }

  changes(after: number, query = '', centralUrl = this.#central.url) {
    return call(`${centralUrl}/api/changes?after=${after}${query}`, {
      ...REQUEST_LIMITS,
      signer: this.signer,
      response: changePageSchema,
    });
  }

  async changesOf(after: number): Promise<Change[]> {
    return (await this.changes(after)).changes;
  }

  reportSiteStates(sites: readonly { site: SiteId; up: boolean }[]) {
    return call(`${this.#central.url}/api/site-states`, {
      ...REQUEST_LIMITS,
      method: 'POST',
      body: { sites },
      signer: this.signer,
      response: z.unknown(),
    });
  }
}
