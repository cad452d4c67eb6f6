/** Builds the pages: src/ui → dist/ui, one HTML file for each page, and assets whose names contain a hash of their content. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** The name of each HTML file, and the folder under src/ui with its `main.tsx` and `page.css`. */
const PAGE_FOLDERS: Readonly<Record<string, string>> = {
  index: 'catalogue',
  watch: 'watch',
  studio: 'studio',
  library: 'library',
  admin: 'admin',
  explain: 'explain',
  people: 'people',
  audit: 'audit',
  account: 'account',
  'sign-in': 'sign-in',
  'sign-in-failed': 'sign-in-failed',
  invitation: 'invitation',
  lost: 'not-found',
};
const TEMPLATE = path('src/ui/page.html');

/** Generates the HTML files of the pages, which do not exist on disk, from one template. */
function pagesFromTemplate(): Plugin {
  const render = (page: string): string | undefined => {
    const folder = PAGE_FOLDERS[page];
    return folder && readFileSync(TEMPLATE, 'utf8').replaceAll('{{folder}}', folder);
  };
  const pageOf = (id: string): string => /([^/]+)\.html$/.exec(id)?.[1] ?? '';
  const htmlOf = (page: string): string => path(`src/ui/${page}.html`);
  return {
    name: 'pages-from-template',
    resolveId: id => (pageOf(id) in PAGE_FOLDERS && id === htmlOf(pageOf(id)) ? id : undefined),
    load(id) {
      if (!(pageOf(id) in PAGE_FOLDERS) || id !== htmlOf(pageOf(id))) return undefined;
      this.addWatchFile(TEMPLATE);
      return render(pageOf(id));
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const url = (request.url ?? '/').replace(/[?#].*$/, '').replace(/\/$/, '/index.html');
        const html = render(pageOf(url));
        if (!html) return next();
        server.transformIndexHtml(url, html).then(page => {
          response.setHeader('content-type', 'text/html; charset=utf-8');
          response.end(page);
        }, next);
      });
    },
  };
}

/**
 * Parts of hls.js that this project never uses: encrypted media, CMCD and interstitials (advertisements). Without them, it is a quarter
 * smaller. It runs without each of them, as its own smaller builds do.
 */
const UNUSED_HLS_PARTS = [
  'emeController: EMEController',
  'cmcdController: CMCDController',
  'interstitialsController: InterstitialsController',
];

function withoutUnusedHlsParts(): Plugin {
  return {
    name: 'without-unused-hls-parts',
    apply: 'build',
    transform(code, id) {
      if (!id.endsWith('/hls.js/dist/hls.mjs')) return undefined;
      return UNUSED_HLS_PARTS.reduce((text, part) => {
        if (text.split(part).length !== 2) throw new Error(`hls.js has no "${part}" any more`);
        return text.replace(part, part.replace(/: .*/, ': undefined'));
      }, code);
    },
  };
}

export default defineConfig({
  root: path('src/ui'),
  // Pages are served at several depths (/, /watch/{video}, /admin), so the addresses of assets begin at the root.
  base: '/',
  publicDir: false,
  plugins: [pagesFromTemplate(), withoutUnusedHlsParts()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: path('dist/ui'),
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // hls.js is one chunk of about 500 kB before compression. Only pages that play something load it.
    chunkSizeWarningLimit: 700,
    rollupOptions: { input: Object.keys(PAGE_FOLDERS).map(page => path(`src/ui/${page}.html`)) },
  },
});
