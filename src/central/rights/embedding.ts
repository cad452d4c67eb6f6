/**
 * Which origins may contain the player of a video. For a video that is not public, only a grant decides, so the response for any other
 * request is the same as for an unknown video.
 */
import type { SecretBox } from '../../kernel/identity/secret-box.ts';
import { Problem } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { narrowOrigins } from '../../protocol/embed-origins.ts';
import { EMBED_FIELD, embedOriginSchema } from '../../protocol/embedding.ts';
import type { CentralConfig } from '../config.ts';
import type { CentralDatabase } from '../database/schema.ts';
import { parseStoredRecord } from '../database/stored-record.ts';
import { findValidGrant } from './grants.ts';
import { findWatchable } from './watchable.ts';

interface EmbeddingDeps {
  readonly db: CentralDatabase;
  readonly secrets: SecretBox;
  readonly config: Pick<CentralConfig, 'embedOrigins'>;
}

/** Empty: no page may contain it. */
export async function findEmbedOrigins(
  deps: EmbeddingDeps,
  video: VideoId,
  grant: string | undefined,
): Promise<readonly string[]> {
  if (grant !== undefined) return findGrantedOrigins(deps, video, grant);
  const { embedOrigins } = deps.config;
  const found = await findWatchable(deps.db, video);
  // A video before its publishAt is as unknown as one that is not public.
  if (found?.watchable.audience !== 'public' || found.row.publish_at > 0) return embedOrigins;
  const record = parseStoredRecord(found.row.body);
  const wanted = record.kind === 'video' ? record.fields?.[EMBED_FIELD] : undefined;
  if (wanted === undefined) return embedOrigins;
  const texts = (Array.isArray(wanted) ? wanted : String(wanted).split(/[\s,]+/)).filter(text => text !== '');
  return narrowOrigins(
    embedOrigins,
    texts.map(text => embedOriginSchema.safeParse(text).data ?? '').filter(origin => origin !== ''),
  );
}

/** A grant that names no origins permits no embedding. */
async function findGrantedOrigins(
  { db, secrets }: EmbeddingDeps,
  video: VideoId,
  grant: string,
): Promise<readonly string[]> {
  try {
    const row = await findValidGrant({ db, secrets }, video, grant, Date.now());
    return row?.embed_origins ? (JSON.parse(row.embed_origins) as readonly string[]) : [];
  } catch (error) {
    if (error instanceof Problem) return [];
    throw error;
  }
}
