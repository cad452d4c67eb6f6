/** The rules for search engines: the pages that they must not read, and the address of the sitemap (RFC 9309). */
import type { HttpServer } from '../../../kernel/http/server.ts';
import type { CentralContext } from '../context/context.ts';
import { addressesFor } from './addresses.ts';

const EXCLUDED = ['/admin', '/account', '/invitation', '/sign-in'];
const CACHE_S = 3_600;

export function addRobotsFile(app: HttpServer, context: CentralContext): void {
  app.get(
    '/robots.txt',
    { schema: { description: 'The rules for search engines (RFC 9309).' } },
    async (request, reply) => {
      const { base } = await addressesFor(request, context);
      const rules = EXCLUDED.map(path => `Disallow: ${path}\n`).join('');
      return reply
        .header('cache-control', `public, max-age=${CACHE_S}`)
        .type('text/plain; charset=utf-8')
        .send(`User-agent: *\n${rules}\nSitemap: ${base}/sitemap.xml\n`);
    },
  );
}
