/**
 * Entry of this folder: the files of a revision, made on request, and the HTTP server that the site's buffer fetches them from.
 * Nothing here keeps what it made: caching is the buffer's task.
 */
export { createDownloadFiles } from './download/download-files.ts';
export {
  createOriginServer,
  type OriginRights,
  type OriginServer,
  type OriginServerDeps,
} from './origin-server.ts';
export { Presentation } from './presentation.ts';
