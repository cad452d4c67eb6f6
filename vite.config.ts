/** Builds the pages: src/ui → dist/ui, one HTML file for each page, and assets whose names contain a hash of their content. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** The name of each HTML file, and the folder under src/ui with its `main.tsx` and `page.css`. */
const PAGE_FOLDERS: Readonly<Record<string, string>> = {
  index: 'catalogue',
  watch: 'watch',
  embed: 'embed',
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

const MEDIA_ELEMENTS = path('src/ui/player/media-elements.ts');
/** Elements that the listed ones contain. */
const INNER_ELEMENTS = [
  'media-gesture-receiver',
  'media-preview-chapter-display',
  'media-preview-thumbnail',
  'media-preview-time-display',
  'media-tooltip',
];

/**
 * The elements of media-chrome bring their styles inline, which the content security policy forbids. It permits exactly these, by their
 * hashes, on the pages that contain the player (src/kernel/http/pages.ts).
 */
function hashesOfInlineStyles(): Plugin {
  const listHashes = async (): Promise<readonly string[]> => {
    const listed = readFileSync(MEDIA_ELEMENTS, 'utf8').matchAll(/'media-chrome\/(media-[a-z-]+)\.js'/g);
    const names = [...Array.from(listed, match => match[1] ?? ''), ...INNER_ELEMENTS];
    const hashes = new Set<string>();
    for (const name of names) {
      const { default: element } = await import(`media-chrome/${name}.js`);
      const html: string = element.getTemplateHTML({});
      for (const [, style = ''] of html.matchAll(/<style>([^<]*)<\/style>/g))
        hashes.add(`'sha256-${createHash('sha256').update(style).digest('base64')}'`);
    }
    return [...hashes];
  };
  return {
    name: 'hashes-of-inline-styles',
    apply: 'build',
    async generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter(file => file.type === 'chunk');
      const chunkOf = new Map(chunks.map(chunk => [chunk.fileName, chunk]));
      const reaches = (fileName: string, seen: Set<string>): boolean => {
        const chunk = chunkOf.get(fileName);
        if (!chunk || seen.has(fileName)) return false;
        seen.add(fileName);
        return (
          chunk.moduleIds.includes(MEDIA_ELEMENTS) ||
          [...chunk.imports, ...chunk.dynamicImports].some(next => reaches(next, seen))
        );
      };
      const hashes = await listHashes();
      const pages = chunks.filter(chunk => chunk.isEntry && reaches(chunk.fileName, new Set()));
      this.emitFile({
        type: 'asset',
        fileName: 'style-hashes.json',
        source: JSON.stringify(Object.fromEntries(pages.map(({ name }) => [`${name}.html`, hashes]))),
      });
    },
  };
}

export default defineConfig({
  root: path('src/ui'),
  // Pages are served at several depths (/, /watch/{video}, /admin), so the addresses of assets begin at the root.
  base: '/',
  publicDir: false,
  plugins: [pagesFromTemplate(), withoutUnusedHlsParts(), hashesOfInlineStyles()],
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
