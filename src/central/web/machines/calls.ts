/** The calls for other programs: oEmbed, feeds, the sitemap and the rules for search engines. */
import type { HttpServer } from '../../../kernel/http/server.ts';
import type { CentralContext } from '../context/context.ts';
import { addFeedCalls } from './feeds.ts';
import { addOembedCall } from './oembed.ts';
import { addRobotsFile } from './robots.ts';
import { addSitemapCalls } from './sitemap.ts';

export function addMachineCalls(app: HttpServer, context: CentralContext): void {
  addOembedCall(app, context);
  addFeedCalls(app, context);
  addSitemapCalls(app, context);
  addRobotsFile(app, context);
}
