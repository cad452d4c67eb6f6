/**
 * The buffer's fast path: plain GETs of files that are in memory or are being fetched, with a valid token in the path if the
 * video is private. A thousand viewers who request one segment at once cost a thousand short function calls. Everything
 * else, including every rejection, goes to node:http.
 */
import { acceptsGzip } from '../../../kernel/http/coding/gzip.ts';
import { createFastPath, readAcceptEncoding } from '../../../kernel/http/fast-path.ts';
import type { FastPath } from '../../../kernel/http/server.ts';
import { Problem } from '../../../kernel/problem.ts';
import { splitToken } from '../../../protocol/media/media-address.ts';
import type { Cache } from '../cache/cache.ts';
import { gzipEntry } from '../cache/memory-tier.ts';
import type { Egress } from '../egress/egress.ts';
import type { Fill } from '../fill/fill.ts';
import type { Fills } from '../fill/fills.ts';
import { parseMediaFile, pathOfUrl, videoOf } from '../http/media-file.ts';
import type { BufferRights, HidePrivate } from './buffer-rights.ts';
import { FastConnection, type ResponseCounts } from './fast-connection.ts';
import type { ViewerReports } from './viewer-reports.ts';

const CMCD_HEADER = /\r\ncmcd-request:[ \t]*([^\r]*)/i;

interface FastPathDeps {
  readonly cache: Pick<Cache, 'find' | 'hasOnDisk' | 'isWithdrawn'>;
  readonly fills: Pick<Fills, 'start' | 'prefetchAfter'>;
  readonly counts: ResponseCounts;
  readonly egress: Pick<Egress, 'count'>;
  readonly reports: ViewerReports;
  readonly rights: Pick<BufferRights, 'checkToken'>;
  readonly hide: HidePrivate;
}

export function createMediaFastPath(deps: FastPathDeps): FastPath {
  const { cache, fills, counts, egress, reports, rights, hide } = deps;

  function findFill(key: string, hasToken: boolean): Fill | undefined {
    const requested = parseMediaFile(key);
    const file = requested && hide(requested, hasToken);
    // Files on disk and rejections are left to node:http.
    if (!file || cache.isWithdrawn(file.video) || cache.hasOnDisk(file)) return undefined;
    fills.prefetchAfter(file);
    reports.noteVideo(file.video);
    const fill = fills.start(file, { mayAskOthers: true, hasToken });
    return fill instanceof Problem ? undefined : fill;
  }

  return createFastPath(socket => {
    const connection = new FastConnection(socket, counts, egress);
    return {
      handle({ target, head }) {
        if (connection.isBusy) return false;
        const { token, target: url } = splitToken(target);
        const key = pathOfUrl(url);
        const hasToken = token !== undefined;
        // The token is checked before anything is looked up, on every request: an invalid one reveals nothing.
        if (hasToken && rights.checkToken(token, videoOf(key), key)) return false;
        const cached = cache.find(key);
        // A private video needs a token; without one, it does not exist. A public one that is requested with a token has another head.
        const entry = cached?.isPrivate && !hasToken ? undefined : cached;
        if (entry && entry.isPrivate !== hasToken) return false;
        const fill = entry ? undefined : findFill(key, hasToken);
        if (!entry && !fill) return false;
        reports.note(socket.remoteAddress ?? '', target, CMCD_HEADER.exec(head)?.[1]);
        if (entry?.isPrefetched) {
          entry.isPrefetched = false;
          fills.prefetchAfter(entry.file);
        }
        if (entry) connection.sendEntry(acceptsGzip(readAcceptEncoding(head)) ? gzipEntry(entry) : entry);
        else if (fill) connection.sendFill(fill);
        return true;
      },
      closed: () => connection.closed(),
    };
  });
}
