/** Builds the pages: src/ui → dist/ui, seven HTML files and their assets, named by content. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

export default defineConfig({
  root: path('src/ui'),
  // Pages stand at several depths (/, /watch/{video}, /admin), so assets are addressed from the root.
  base: '/',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: path('dist/ui'),
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // hls.js is one piece of some 500 kB before compression, and loaded only where something is played.
    chunkSizeWarningLimit: 700,
    rollupOptions: {
      input: ['index', 'watch', 'studio', 'library', 'admin', 'explain', 'lost'].map(page =>
        path(`src/ui/${page}.html`),
      ),
    },
  },
});
