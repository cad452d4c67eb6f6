/**
 * Edits several videos in one call: each like a single edit, with its own permissions, record and audit entry. One that is refused does not
 * stop the others. A page sends as many calls as it has videos to change, so it can stop and continue between them.
 */
import type { IncomingMessage } from 'node:http';
import type { HttpServer } from '../../../kernel/http/server.ts';
import { Problem } from '../../../kernel/problem.ts';
import type { SiteVideoEdit } from '../../../protocol/site.ts';
import {
  type VideoEditOfMany,
  type VideoEditResult,
  videoEditResultsSchema,
  videoEditsSchema,
} from '../../../protocol/studio.ts';
import { parseDetails } from '../../database/tables/details.ts';
import type { VideoRow } from '../../database/tables/schema.ts';
import { editVideo } from './edit.ts';
import { isSameValues } from './edited-values.ts';
import { requireList } from './lists/list-videos.ts';
import type { StudioDeps } from './studio-deps.ts';
import { requireVideo } from './video-access.ts';
import { withdrawFor } from './withdrawal.ts';

export function serveEditsOfMany(app: HttpServer, deps: StudioDeps): void {
  app.post(
    '/api/video-edits',
    {
      schema: {
        description:
          'Edits or withdraws several videos, each for itself. With `preview`, returns what would change, and changes nothing.',
        body: videoEditsSchema,
        response: { 200: videoEditResultsSchema },
      },
    },
    async ({ raw, body: { edits, preview = false } }) => {
      await requireList(deps, raw);
      const results: VideoEditResult[] = [];
      for (const each of edits) results.push(await editOne(deps, raw, each, preview));
      return { results };
    },
  );
}

async function editOne(
  deps: StudioDeps,
  request: IncomingMessage,
  wanted: VideoEditOfMany,
  isPreview: boolean,
): Promise<VideoEditResult> {
  const { id } = wanted;
  let name: string | undefined;
  try {
    const { row } = await requireVideo(deps, request, wanted.withdraw ? 'withdraw' : 'edit', id);
    name = row.name;
    if (wanted.withdraw) {
      if (row.state === 'withdrawn') return { id, name, outcome: 'unchanged' };
      if (!isPreview) await withdrawFor(deps, request, row);
      return { id, name, outcome: 'withdrawn' };
    }
    const edit = (current: VideoRow): SiteVideoEdit => ({ ...wanted.edit, ...editTags(current, wanted) });
    // An edit that changes nothing makes no new version of the record.
    const planned = await editVideo(deps, request, id, { edit, isPreview: true });
    const isSame = isSameValues(planned.before, planned.after);
    const { before, after } = isPreview || isSame ? planned : await editVideo(deps, request, id, { edit });
    return { id, name, outcome: isSame ? 'unchanged' : 'changed', before, after };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const named = name === undefined ? {} : { name };
    return { id, ...named, outcome: 'refused', error: { code: error.code, detail: error.message } };
  }
}

/** The tags that a video has after some were added and removed. */
function editTags(row: VideoRow, { addTags, removeTags }: VideoEditOfMany): Pick<SiteVideoEdit, 'tags'> {
  if (!addTags && !removeTags) return {};
  const removed = new Set(removeTags);
  const kept = (parseDetails(row).tags ?? []).filter(tag => !removed.has(tag));
  const tags = [...new Set([...kept, ...(addTags ?? [])])];
  return { tags: tags.length === 0 ? null : tags };
}
