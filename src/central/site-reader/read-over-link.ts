/**
 * Reads a site's database through its gateway over the link that the site opened, for sites that nobody can connect to,
 * and chooses between the two ways where there is nothing else to tell them apart.
 */
import type { Signer } from '../../kernel/http/client.ts';
import type { Clock } from '../../kernel/lifecycle/clock.ts';
import { Problem } from '../../kernel/problem.ts';
import { linkAuthority } from '../../protocol/link.ts';
import type { Links } from './links.ts';
import { readGateway } from './read-over-http.ts';
import type { OpenReader, SiteReader } from './site-reader.ts';

/** After a gateway could not be connected to, a link is used for so long before the gateway is tried again. */
const AVOID_GATEWAY_MS = 10 * 60_000;

export const readOverLink =
  (signer: Signer, links: Links): OpenReader =>
  ({ id }) =>
    readGateway(`http://${linkAuthority(id)}`, signer, { send: links.sendTo(id) });

/** The gateway where it can be reached, else the link where one is open; the link first where the site prefers it. */
export function readEitherWay(
  overHttp: OpenReader,
  overLink: OpenReader,
  links: Pick<Links, 'find'>,
  clock: Pick<Clock, 'now'>,
): OpenReader {
  const avoidUntil = new Map<string, number>();
  return site => {
    const http = overHttp(site);
    const link = overLink(site);
    const either = async <T>(ask: (reader: SiteReader) => Promise<T>): Promise<T> => {
      const open = links.find(site.id);
      if (open && (open.preferred || (avoidUntil.get(site.id) ?? 0) > clock.now())) {
        try {
          return await ask(link);
        } catch (error) {
          // The site has gone, or begun anew without a link: perhaps it can be reached now.
          if (!(error instanceof Problem) || error.code !== 'link-closed') throw error;
          avoidUntil.delete(site.id);
        }
      }
      try {
        const answer = await ask(http);
        avoidUntil.delete(site.id);
        return answer;
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'peer-unreachable') throw error;
        avoidUntil.set(site.id, clock.now() + AVOID_GATEWAY_MS);
        // Looked up again: finding out may have taken a while, and the site may have opened one meanwhile.
        if (!links.find(site.id)) throw error;
        return ask(link);
      }
    };
    return {
      readRecords: (limit, signal) => either(reader => reader.readRecords(limit, signal)),
      acknowledge: (epoch, published, signal) =>
        either(reader => reader.acknowledge(epoch, published, signal)),
      readDigest: signal => either(reader => reader.readDigest(signal)),
    };
  };
}
