// npm run dev -- PART: rebuilds and restarts one part after each change of a source, or serves the pages with hot reload.
import { existsSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.mjs';
import { setUp } from './set-up.mjs';

const PARTS = ['central', 'tracker', 'site', 'worker', 'demo'];
const PAGES_PORT = 5173;
/** For each kind of server: the address of the first one in the demo, and the page at each path. */
const PAGE_SERVERS = {
  central: {
    address: 'http://127.0.0.1:8080',
    pages: {
      '/': 'index',
      '/search': 'index',
      '/series/*': 'index',
      '/person': 'index',
      '/sites/*': 'index',
      '/watch/*': 'watch',
      '/embed/*': 'embed',
      '/admin': 'admin',
      '/admin/explain': 'explain',
      '/admin/people': 'people',
      '/admin/audit': 'audit',
      '/account': 'account',
      '/sign-in': 'sign-in',
      '/invitation': 'invitation',
    },
  },
  site: {
    address: 'http://127.0.0.2:8090',
    pages: {
      '/': 'studio',
      '/library': 'library',
      '/library/search': 'library',
      '/library/series/*': 'library',
      '/library/person': 'library',
      '/library/watch/*': 'library',
      '/sign-in/failed': 'sign-in-failed',
    },
  },
};
const USAGE = `Usage: npm run dev -- PART [--inspect[=PORT]] [arguments of the command]
       npm run dev -- ui central|site [ADDRESS]

  PART is ${PARTS.join(', ')}. It is rebuilt and restarted after each change in src/ or bin/.
  ui serves the pages of central or of a site on port ${PAGES_PORT} with hot reload, and sends all other requests to the running
  part at ADDRESS (default: the demo's, ${PAGE_SERVERS.central.address} and ${PAGE_SERVERS.site.address}).

  npm run dev -- demo
  npm run dev -- site --inspect --config tributary.toml
  npm run dev -- ui central`;

const print = line => console.error(`dev: ${line}`);

async function runPart(part, rest) {
  const { commandBundle } = await import('./build.mjs');
  const { watchAndRestart } = await import('./watch-and-restart.mjs');
  // Each part has its own output, so that several can run, and none disturbs dist/.
  const outdir = join(root, 'dist', 'dev', part);
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(outdir, { recursive: true });
  symlinkSync(join('..', '..', 'ui'), join(outdir, 'ui'));
  const isInspect = argument => /^--inspect(-brk)?(=|$)/.test(argument);
  return watchAndRestart({
    buildOptions: commandBundle(outdir),
    args: [
      '--enable-source-maps',
      ...rest.filter(isInspect),
      join(outdir, 'tributary.js'),
      part,
      ...rest.filter(argument => !isInspect(argument)),
    ],
    print,
  });
}

/** Serves pages at the paths that the real server uses, although their sources have other names. */
function pagesAtTheirPaths(pages) {
  return {
    name: 'pages-at-their-paths',
    enforce: 'pre',
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        const page = findPage(pages, request);
        if (page) request.url = `/${page}.html`;
        next();
      });
    },
    // The template has relative addresses, which would be wrong below /watch/ and /admin/.
    transformIndexHtml: { order: 'pre', handler: html => html.replaceAll('"./', '"/') },
  };
}

function findPage(pages, { url, headers }) {
  const path = new URL(url, 'http://localhost').pathname;
  if (!headers.accept?.includes('text/html')) return undefined;
  return pages[path] ?? pages[path.replace(/[^/]+$/, '*')];
}

/** Vite serves its own modules, the sources of the pages and the pages; the part responds to everything else. */
function isForVite(request) {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (pathname.startsWith('/@') || pathname.startsWith('/node_modules/') || pathname.endsWith('.html'))
    return true;
  const file = join(root, 'src/ui', pathname);
  return existsSync(file) && statSync(file).isFile();
}

async function servePages(kind, address = PAGE_SERVERS[kind].address) {
  const { createServer } = await import('vite');
  const { origin } = new URL(address);
  const server = await createServer({
    configFile: join(root, 'vite.config.ts'),
    plugins: [pagesAtTheirPaths(PAGE_SERVERS[kind].pages)],
    server: {
      port: PAGES_PORT,
      strictPort: true,
      // The pages import src/protocol, which is outside the root of the pages.
      fs: { allow: [root] },
      proxy: {
        '^/.*': {
          target: origin,
          changeOrigin: true,
          bypass: request => (isForVite(request) ? request.url : undefined),
          // A part refuses changes from pages of another origin.
          configure: proxy =>
            proxy.on('proxyReq', request => {
              if (request.getHeader('origin')) request.setHeader('origin', origin);
            }),
        },
      },
    },
  });
  await server.listen();
  print(`pages of ${kind} at http://localhost:${PAGES_PORT}, calls go to ${origin}`);
  return () => server.close();
}

const [part, ...rest] = process.argv.slice(2);
const isPages = part === 'ui' && rest.length <= 2 && Object.hasOwn(PAGE_SERVERS, rest[0] ?? '');
if (!isPages && !PARTS.includes(part)) {
  console.log(USAGE);
  process.exit(part === undefined || part === '--help' ? 0 : 2);
}
await setUp();
const stop = await (isPages ? servePages(...rest) : runPart(part, rest));
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stop().then(() => process.exit(0)));
