/**
 * The sitemap with the video extension (https://www.sitemaps.org): an index of parts, each of which is streamed. A part begins at a
 * cursor in the list of public videos, so nothing is kept or counted, however many videos there are.
 */
import { Readable } from 'node:stream';
import { setImmediate as nextTick } from 'node:timers/promises';
import { ErrorLevel, SitemapIndexStream, type SitemapItemLoose, SitemapStream } from 'sitemap';
import * as z from 'zod';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { problem } from '../../../kernel/problem.ts';
import { type Cursor, formatCursor, parseCursor } from '../../database/cursor.ts';
import { listPublicVideos, type PublicVideo, skipPublicVideos } from '../../database/public/videos.ts';
import type { CentralDatabase } from '../../database/schema.ts';
import { listSeries } from '../../database/series/series.ts';
import type { CentralContext } from '../context/context.ts';
import { type Addresses, addressesFor } from './addresses.ts';
import { cleanText, shorten } from './markup.ts';

/** A sitemap has at most 50,000 addresses and 50 MB. With descriptions, the second limit is reached first. */
const VIDEOS_PER_PART = 10_000;
/** Rows that are read and written without a break. */
const ROWS_PER_STEP = 50;
const SERIES_PER_STEP = 200;
const MAX_SERIES = 10_000;
const MAX_PARTS = 5_000;
const CACHE_S = 3_600;
const START: Cursor = { at: 0, id: '0' };
const XML_TYPE = 'application/xml; charset=utf-8';
/** Limits of the video extension. */
const MAX_TITLE_CHARACTERS = 100;
const MAX_DESCRIPTION_CHARACTERS = 1_000;
const MAX_TAGS = 32;
const MAX_DURATION_S = 28_800;

export function addSitemapCalls(app: HttpServer, context: CentralContext): void {
  const { db } = context;
  const cache = `public, max-age=${CACHE_S}`;
  const parts = createPartList(db);

  app.get(
    '/sitemap.xml',
    { schema: { description: 'The index of the sitemaps of all public videos.' } },
    async (request, reply) => {
      const { base } = await addressesFor(request, context);
      const names = ['pages', ...(await parts()).map(formatCursor)];
      const index = new SitemapIndexStream({ level: ErrorLevel.SILENT });
      Readable.from(names.map(name => ({ url: `${base}/sitemaps/${name}.xml` }))).pipe(index);
      return reply.header('cache-control', cache).type(XML_TYPE).send(index);
    },
  );

  app.get<{ Params: { file: string } }>(
    '/sitemaps/:file',
    {
      schema: {
        description: 'A part of the sitemap: `pages.xml`, or the videos from a cursor on.',
        params: z.object({ file: z.string().max(200) }),
      },
    },
    async (request, reply) => {
      const [, name] = /^([\w-]+)\.xml$/.exec(request.params.file) ?? [];
      if (name === undefined) throw problem('not-found', 'There is no such sitemap.');
      const addresses = await addressesFor(request, context);
      const items =
        name === 'pages' ? listPages(db, addresses) : listVideos(db, parseCursor(name), addresses);
      const stream = new SitemapStream({
        level: ErrorLevel.SILENT,
        xmlns: { news: false, xhtml: false, image: false, video: true },
      });
      const source = Readable.from(items, { highWaterMark: ROWS_PER_STEP });
      source.on('error', error => stream.destroy(error));
      stream.on('close', () => source.destroy());
      source.pipe(stream);
      return reply.header('cache-control', cache).type(XML_TYPE).send(stream);
    },
  );
}

/** Where the parts begin, computed once in a while. Requests at the same time wait for the same list. */
function createPartList(db: CentralDatabase): () => Promise<readonly Cursor[]> {
  let known: { readonly untilMs: number; readonly parts: Promise<readonly Cursor[]> } | undefined;
  return () => {
    if (known === undefined || Date.now() > known.untilMs) {
      const parts = listParts(db);
      known = { untilMs: Date.now() + CACHE_S * 1_000, parts };
      parts.then(
        found => {
          // A small catalogue changes with every upload, and costs nothing to list.
          if (found.length <= 1) known = undefined;
        },
        () => {
          known = undefined;
        },
      );
    }
    return known.parts;
  };
}

async function listParts(db: CentralDatabase): Promise<readonly Cursor[]> {
  const parts: Cursor[] = [];
  let next = await skipPublicVideos(db, START, 0);
  while (next && parts.length < MAX_PARTS) {
    parts.push(next);
    next = await skipPublicVideos(db, next, VIDEOS_PER_PART);
    await nextTick();
  }
  return parts;
}

async function* listVideos(
  db: CentralDatabase,
  from: Cursor,
  addresses: Addresses,
): AsyncGenerator<SitemapItemLoose> {
  let isEmpty = true;
  let next: Cursor | undefined = from;
  for (let listed = 0; next && listed < VIDEOS_PER_PART; listed += ROWS_PER_STEP) {
    const page: Awaited<ReturnType<typeof listPublicVideos>> = await listPublicVideos(
      db,
      { from: next, limit: ROWS_PER_STEP },
      Date.now(),
    );
    for (const video of page.videos) {
      isEmpty = false;
      yield describeItem(video, addresses);
    }
    next = page.next;
    await nextTick();
  }
  // A sitemap has at least one address. All videos of this part may have been withdrawn.
  if (isEmpty) yield { url: `${addresses.base}/` };
}

/** The front page and the series that have public videos. */
async function* listPages(db: CentralDatabase, { base }: Addresses): AsyncGenerator<SitemapItemLoose> {
  yield { url: `${base}/` };
  let after: Parameters<typeof listSeries>[1]['after'];
  for (let listed = 0; listed < MAX_SERIES; listed += SERIES_PER_STEP) {
    const rows = await listSeries(db, { after, limit: SERIES_PER_STEP });
    for (const row of rows.slice(0, SERIES_PER_STEP)) {
      if (Number(row.public) > 0) yield { url: `${base}/series/${encodeURIComponent(row.id)}` };
    }
    const last = rows[SERIES_PER_STEP - 1];
    if (rows.length <= SERIES_PER_STEP || !last) return;
    after = { text: last.sort_text, id: last.id };
    await nextTick();
  }
}

function describeItem({ record, publishedAtMs }: PublicVideo, addresses: Addresses): SitemapItemLoose {
  const url = addresses.watch(record);
  const poster = addresses.poster(record);
  const lastmod = new Date(publishedAtMs).toISOString();
  // The extension requires an image.
  if (poster === undefined) return { url, lastmod };
  const { name, description, durationMs, tags = [], withdrawAt } = record;
  const durationS = Math.max(1, Math.round(durationMs / 1_000));
  return {
    url,
    lastmod,
    video: {
      thumbnail_loc: poster,
      title: shorten(cleanText(name), MAX_TITLE_CHARACTERS),
      description: shorten(cleanText(description || name), MAX_DESCRIPTION_CHARACTERS),
      player_loc: addresses.embed(record),
      publication_date: lastmod,
      ...(durationS <= MAX_DURATION_S ? { duration: durationS } : {}),
      ...(withdrawAt === undefined ? {} : { expiration_date: withdrawAt }),
      tag: tags.slice(0, MAX_TAGS).map(cleanText),
    },
  };
}
