/** Searches the public videos, as somebody without an account finds them. */
import type * as z from 'zod';
import { videoQuerySchema } from '../../../protocol/catalogue/search.ts';
import type { Viewer } from '../../../protocol/people/viewing.ts';
import { type PublicVideo, readPublic } from '../../database/public/videos.ts';
import type { CentralContext } from '../context/context.ts';
import { listCatalogue } from '../videos.ts';

export const publicQuerySchema = videoQuerySchema.omit({ cursor: true, limit: true });
export type PublicQuery = z.infer<typeof publicQuerySchema>;

const NOBODY: Viewer = { permissions: [], groups: [] };

export async function searchPublicVideos(
  { reads }: Pick<CentralContext, 'reads'>,
  query: PublicQuery & { readonly limit: number },
  nowMs: number,
): Promise<PublicVideo[]> {
  const { items } = await listCatalogue(reads, query, NOBODY);
  return items.flatMap(({ row }) => readPublic(row, nowMs) ?? []);
}
