/** The keys that sites sign with, as central's feed told them; of active sites alone. */
import type { PublicKey } from '../../kernel/identity/keys.ts';
import { siteIdSchema } from '../../protocol/ids.ts';
import type { Registry } from './registry.ts';

export const keysOfSites =
  (registry: Pick<Registry, 'findSite'>) =>
  async (keyId: string): Promise<PublicKey | undefined> => {
    const { data: id } = siteIdSchema.safeParse(keyId);
    const site = id && registry.findSite(id);
    return site?.active ? site.publicKey : undefined;
  };
