/** Searches the public videos, as somebody without an account finds them. */
import * as z from 'zod';
import { siteIdSchema } from '../../../protocol/base/ids.ts';
import { MAX_QUERY_CHARACTERS } from '../../../protocol/catalogue/search.ts';
import { listVideos } from '../../database/catalogue.ts';
import { findPublicVideo, type PublicVideo } from '../../database/public/videos.ts';
import type { CentralDatabase } from '../../database/schema.ts';

export const publicQuerySchema = z.object({
  q: z.string().max(MAX_QUERY_CHARACTERS).optional(),
  site: siteIdSchema.optional(),
});
export type PublicQuery = z.infer<typeof publicQuerySchema>;

const NOBODY = { permissions: [], groups: [] };

export async function searchPublicVideos(
  db: CentralDatabase,
  query: PublicQuery & { readonly limit: number },
  nowMs: number,
): Promise<PublicVideo[]> {
  const rows = await listVideos(db, { ...query, viewer: NOBODY });
  const found = await Promise.all(
    rows.slice(0, query.limit).map(row => findPublicVideo(db, row.video_id, nowMs)),
  );
  return found.filter(video => video !== undefined);
}
