/**
 * The tokens that a site signs for viewers by itself, in the studio and in the library, and who they are: the audit log says who
 * watches a video that is not public. After a restart, a viewer who has not opened a page again has no name there.
 */
import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import { type Authority, whoOf } from '../../kernel/access/authority.ts';
import { requestAddress } from '../../kernel/access/request-address.ts';
import type { Prefix } from '../../kernel/network.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import type { AuditEvent, Who } from '../../protocol/people/audit.ts';
import type { SiteRights } from './site-rights.ts';

/** More viewers than use one site within the lifetime of a token. About 3 MB. */
const MAX_VIEWERS = 10_000;

export interface TokenHolder {
  readonly authority: Authority;
  readonly request: IncomingMessage;
}

export interface ViewerTokens {
  forStudio(video: VideoId, holder: TokenHolder): string;
  forLibrary(video: VideoId, holder: TokenHolder): string;
  /** A token with this subject is used to watch a video. */
  noteWatch(video: VideoId, subject: string): void;
}

export interface ViewerTokensDeps {
  readonly rights: Pick<SiteRights, 'studioToken' | 'viewerToken' | 'subjectOf'>;
  readonly trustedProxies: readonly Prefix[];
  /** Stores an event of the audit log. */
  readonly record: (event: Omit<AuditEvent, 'at'>) => void;
}

export function createViewerTokens({ rights, trustedProxies, record }: ViewerTokensDeps): ViewerTokens {
  const viewers = new LRUCache<string, { readonly who: Who; readonly from: string }>({ max: MAX_VIEWERS });

  /** The same for all requests of a session or token, and without one for all of an address. */
  function nameOf({ authority, request }: TokenHolder): string {
    const who = whoOf(authority);
    const from = requestAddress(request, trustedProxies);
    const name = `${who.kind} ${who.credential ?? from}`;
    viewers.set(rights.subjectOf(name), { who, from });
    return name;
  }

  return {
    forStudio: (video, holder) => rights.studioToken(video, nameOf(holder)),
    forLibrary: (video, holder) => rights.viewerToken(video, nameOf(holder)),
    noteWatch(video, subject) {
      const { who, from }: { readonly who: Who; readonly from?: string } = viewers.get(subject) ?? {
        who: { kind: 'nobody', credential: `viewer:${subject}` },
      };
      record({ who, from, action: 'video.watch', object: `video:${video}` });
    },
  };
}
