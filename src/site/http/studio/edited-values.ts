/** The values that an edit of a video names, before and after it, and the edition that distinguishes edits. Pure. */
import { createHash } from 'node:crypto';
import { DETAILS } from '../../../protocol/publication/details.ts';
import type { SiteVideoEdit } from '../../../protocol/site.ts';
import { parseDetails } from '../../database/tables/details.ts';
import { audienceOfRow, ownerOfRow, seriesOfRow } from '../../database/tables/people-columns.ts';
import type { VideoRow } from '../../database/tables/schema.ts';

/** In the form of an edit: null for absent values. */
export type EditedValues = Readonly<Record<string, unknown>>;

/** The values of the members that `edit` has. As an edit, they undo it. */
export function editedValues(row: VideoRow, edit: SiteVideoEdit): EditedValues {
  const details = parseDetails(row);
  const { audience, groups } = audienceOfRow(row);
  return {
    ...(edit.name === undefined ? {} : { name: row.name }),
    ...(edit.description === undefined ? {} : { description: row.description }),
    ...(edit.language === undefined ? {} : { language: row.language }),
    ...(edit.series === undefined ? {} : { series: seriesOfRow(row) ?? null }),
    ...(edit.owner === undefined ? {} : { owner: ownerOfRow(row) ?? null }),
    ...(edit.audience === undefined && edit.visibility === undefined
      ? {}
      : { audience, ...(audience === 'groups' ? { groups: [...groups] } : {}) }),
    ...Object.fromEntries(
      DETAILS.filter(name => edit[name] !== undefined).map(name => [name, details[name] ?? null]),
    ),
  };
}

export const isSameValues = (a: EditedValues, b: EditedValues): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

/** Of everything that people edit. */
export const editionOf = ({
  name,
  description,
  language,
  series_id,
  series_position,
  private: isPrivate,
  audience,
  groups,
  owner_id,
  details,
}: VideoRow): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        ...[name, description, language, series_id, series_position],
        ...[isPrivate, audience, groups, owner_id, details],
      ]),
    )
    .digest('hex')
    .slice(0, 16);
