/** Finds the public keys of active sites, from central's change feed. */
import type { PublicKey } from '../../kernel/identity/keys.ts';
import { siteIdSchema } from '../../protocol/base/ids.ts';
import type { Registry } from './registry.ts';

export const createSiteKeyFinder =
  (registry: Pick<Registry, 'findSite'>) =>
  async (keyId: string): Promise<PublicKey | undefined> => {
    const { data: id } = siteIdSchema.safeParse(keyId);
    const site = id && registry.findSite(id);
    return site?.active ? site.publicKey : undefined;
  };
