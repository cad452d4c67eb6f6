/**
 * Reads a site's database through its gateway over the link that the site opened, for sites that central cannot connect to. It
 * also chooses between the link and a direct connection.
 */
import type { Signer } from '../../kernel/http/client.ts';
import type { Clock } from '../../kernel/lifecycle/clock.ts';
import { Problem } from '../../kernel/problem.ts';
import { linkAuthority } from '../../protocol/link.ts';
import type { Links } from './links.ts';
import { readGateway } from './read-over-http.ts';
import type { CaptionsReader, OpenGateway, SiteReader } from './site-reader.ts';

/** How long a link is used, after a failed connection to the gateway, before the gateway is tried again. */
const AVOID_GATEWAY_MS = 10 * 60_000;

export const readOverLink =
  (signer: Signer, links: Links): OpenGateway =>
  ({ id }) =>
    readGateway(`http://${linkAuthority(id)}`, signer, { send: links.sendTo(id) });

/** Uses the gateway if it can be reached, else the link if one is open. If the site prefers its link, the link comes first. */
export function readEitherWay(
  overHttp: OpenGateway,
  overLink: OpenGateway,
  links: Pick<Links, 'find'>,
  clock: Pick<Clock, 'now'>,
): OpenGateway {
  const avoidUntil = new Map<string, number>();
  return site => {
    const http = overHttp(site);
    const link = overLink(site);
    const readBy = async <T>(read: (reader: SiteReader & CaptionsReader) => Promise<T>): Promise<T> => {
      const open = links.find(site.id);
      if (open && (open.preferred || (avoidUntil.get(site.id) ?? 0) > clock.now())) {
        try {
          return await read(link);
        } catch (error) {
          // The site has stopped, or restarted without a link. Perhaps its gateway can be reached now.
          if (!(error instanceof Problem) || error.code !== 'link-closed') throw error;
          avoidUntil.delete(site.id);
        }
      }
      try {
        const response = await read(http);
        avoidUntil.delete(site.id);
        return response;
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'peer-unreachable') throw error;
        avoidUntil.set(site.id, clock.now() + AVOID_GATEWAY_MS);
        // The link is looked up again, because the failed connection took time and the site may have opened a link meanwhile.
        if (!links.find(site.id)) throw error;
        return read(link);
      }
    };
    return {
      readRecords: (limit, abort) => readBy(reader => reader.readRecords(limit, abort)),
      acknowledge: (epoch, published, abort) => readBy(reader => reader.acknowledge(epoch, published, abort)),
      readDigest: abort => readBy(reader => reader.readDigest(abort)),
      readCaptions: (query, abort) => readBy(reader => reader.readCaptions(query, abort)),
    };
  };
}
