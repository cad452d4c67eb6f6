/** The head of a page for programs: its title, its description, and the links to other forms of its content. Pure. */
import type { PublicVideo } from '../../database/public/videos.ts';
import type { Addresses } from './addresses.ts';
import { cleanText, escapeHtml, formatDataBlock, shorten } from './markup.ts';

const APPLICATION = 'Tributary';
const MAX_DESCRIPTION_CHARACTERS = 300;
/** The size of an embedded player in a link preview. */
const PLAYER_WIDTH = 1_280;

export interface PageHead {
  readonly title: string;
  readonly description: string;
  /** The only address under which search engines list the page. Undefined: they do not list it. */
  readonly canonical: string | undefined;
  /** An absolute URL. */
  readonly image?: string | undefined;
  /** The video that the page plays. */
  readonly video?: PublicVideo;
  readonly feed?: { readonly title: string; readonly href: string };
  /** In the terms of schema.org. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** HTML that replaces the title of the page. */
export function renderHead(head: PageHead, addresses: Addresses): string {
  const title = cleanText(head.title);
  const description = shorten(cleanText(head.description), MAX_DESCRIPTION_CHARACTERS);
  const { canonical, image, video, feed, data } = head;
  return [
    `<title>${escapeHtml(title === '' ? APPLICATION : `${title} · ${APPLICATION}`)}</title>`,
    meta('name', 'description', description),
    link({ rel: 'canonical', href: canonical }),
    link({
      rel: 'alternate',
      type: 'application/rss+xml',
      title: feed && cleanText(feed.title),
      href: feed?.href,
    }),
    ...(video ? oembedLinks(video, addresses) : []),
    meta('property', 'og:site_name', APPLICATION),
    meta('property', 'og:type', video ? 'video.other' : 'website'),
    meta('property', 'og:title', title || APPLICATION),
    meta('property', 'og:description', description),
    meta('property', 'og:url', canonical),
    meta('property', 'og:image', image),
    meta('property', 'og:image:type', image && video && 'image/jpeg'),
    ...(video ? videoTags(video, addresses) : []),
    meta('name', 'twitter:card', video ? 'player' : 'summary'),
    meta('name', 'twitter:title', title || APPLICATION),
    meta('name', 'twitter:description', description),
    meta('name', 'twitter:image', image),
    data && `<script type="application/ld+json">${formatDataBlock(data)}</script>`,
  ]
    .filter(line => line !== undefined)
    .join('\n    ');
}

function meta(kind: 'name' | 'property', name: string, content: string | undefined): string | undefined {
  return content ? `<meta ${kind}="${name}" content="${escapeHtml(content)}" />` : undefined;
}

/** Undefined without an address. */
function link(attributes: {
  readonly rel: string;
  readonly type?: string;
  readonly title?: string | undefined;
  readonly href: string | undefined;
}): string | undefined {
  if (attributes.href === undefined) return undefined;
  const written = Object.entries(attributes).map(([name, value]) => `${name}="${escapeHtml(value ?? '')}"`);
  return `<link ${written.join(' ')} />`;
}

/** https://oembed.com, section 4: discovery. */
const oembedLinks = ({ record }: PublicVideo, addresses: Addresses) =>
  (['json', 'xml'] as const).map(format => {
    const query = new URLSearchParams({ url: addresses.watch(record), format });
    const href = `${addresses.base}/oembed?${query}`;
    const type = format === 'json' ? 'application/json+oembed' : 'text/xml+oembed';
    return link({ rel: 'alternate', type, title: cleanText(record.name), href });
  });

function videoTags({ record, publishedAtMs }: PublicVideo, addresses: Addresses): (string | undefined)[] {
  const { width, height } = playerSize(record, PLAYER_WIDTH);
  const player = addresses.embed(record);
  const { tags = [], language, durationMs } = record;
  return [
    meta('property', 'og:locale', language?.replace('-', '_')),
    meta('property', 'og:video', player),
    meta('property', 'og:video:secure_url', player.startsWith('https:') ? player : undefined),
    meta('property', 'og:video:type', 'text/html'),
    meta('property', 'og:video:width', String(width)),
    meta('property', 'og:video:height', String(height)),
    meta('property', 'video:duration', String(Math.max(1, Math.round(durationMs / 1_000)))),
    meta('property', 'video:release_date', new Date(publishedAtMs).toISOString()),
    ...tags.map(tag => meta('property', 'video:tag', cleanText(tag))),
    meta('name', 'twitter:player', player),
    meta('name', 'twitter:player:width', String(width)),
    meta('name', 'twitter:player:height', String(height)),
  ];
}

/** The size of a player of this width in the shape of the video; 16:9 if it has no picture. */
export function playerSize(
  { width, height }: { readonly width?: number | undefined; readonly height?: number | undefined },
  playerWidth: number,
): { readonly width: number; readonly height: number } {
  const ratio = width && height ? height / width : 9 / 16;
  return { width: playerWidth, height: Math.max(1, Math.round(playerWidth * ratio)) };
}
