/** What an edit changes in the row of a video, what it needs, and what the audit log says about it. Pure. */

import { type AudienceOfVideo, chosenAudience, isWidened } from '../../../protocol/people/audience.ts';
import type { AuditEvent } from '../../../protocol/people/audit.ts';
import type { AuditAction } from '../../../protocol/people/audit-actions.ts';
import type { Action, Target } from '../../../protocol/people/permissions.ts';
import { DETAILS, editDetails } from '../../../protocol/publication/details.ts';
import type { Owner } from '../../../protocol/publication/record.ts';
import type { SiteVideoEdit } from '../../../protocol/site.ts';
import { detailsColumn, parseDetails } from '../../database/tables/details.ts';
import {
  audienceColumns,
  audienceOfRow,
  ownerColumns,
  ownerOfRow,
  seriesColumns,
  seriesOfRow,
} from '../../database/tables/people-columns.ts';
import type { VideoRow } from '../../database/tables/schema.ts';

interface EditPlan {
  readonly changes: Partial<VideoRow>;
  /** Permissions besides `edit` for the video as it is. */
  readonly needs: readonly { readonly action: Action; readonly target: Target }[];
  /** The person who becomes the owner. */
  readonly newOwner: string | undefined;
  readonly entries: readonly AuditEntry[];
}

interface AuditEntry extends Pick<AuditEvent, 'before' | 'after'> {
  readonly action: AuditAction;
}

const isDetailsEdit = (edit: SiteVideoEdit): boolean => DETAILS.some(name => edit[name] !== undefined);

/** @param target what the video is to permissions before the edit */
export function planEdit(row: VideoRow, edit: SiteVideoEdit, target: Target): EditPlan {
  const series = edit.series === undefined ? seriesOfRow(row) : (edit.series ?? undefined);
  const after: Target = { ...target, series: series?.id };
  const isMoved = after.series !== target.series;
  const before = audienceOfRow(row);
  const audience = audienceAfter(before, edit);
  // A video without approval is not published: the person who approves it sees its audience and its series.
  const isPublic = row.approval === null;
  const newOwner = edit.owner && edit.owner.id !== row.owner_id ? edit.owner.id : undefined;
  const needs = [
    ...(isMoved ? [{ action: 'edit' as const, target: after }] : []),
    ...(isPublic && (isMoved || isWidened(before, audience))
      ? [{ action: 'publish' as const, target: after }]
      : []),
    // Otherwise a person could make a video their own in order to withdraw it.
    ...(newOwner === undefined ? [] : [{ action: 'withdraw' as const, target }]),
  ];
  const texts = {
    ...(edit.name === undefined ? {} : { name: edit.name }),
    ...(edit.description === undefined ? {} : { description: edit.description }),
    ...(edit.language === undefined ? {} : { language: edit.language }),
    ...(edit.series === undefined ? {} : seriesColumns(series)),
    ...(isDetailsEdit(edit) ? detailsColumn(editDetails(parseDetails(row), edit)) : {}),
  };
  return {
    changes: { ...texts, ...(audience === before ? {} : audienceColumns(audience)) },
    needs,
    newOwner,
    entries: [...describeTexts(row, texts), ...describeAudience(before, audience)],
  };
}

/** The columns and the entry of a transfer, once the name of the new owner is known. */
export const planTransfer = (row: VideoRow, owner: Owner) => ({
  changes: ownerColumns(owner),
  entry: {
    action: 'video.transfer',
    before: { owner: ownerOfRow(row) ?? null },
    after: { owner },
  } satisfies AuditEntry,
});

function audienceAfter(before: AudienceOfVideo, edit: SiteVideoEdit): AudienceOfVideo {
  const audience = chosenAudience(edit);
  if (audience === undefined) return before;
  const groups = audience === 'groups' ? [...new Set(edit.groups)].sort() : [];
  return audience === before.audience && groups.join() === before.groups.join()
    ? before
    : { audience, groups };
}

function describeTexts(row: VideoRow, changes: Partial<VideoRow>): readonly AuditEntry[] {
  const changed = (Object.keys(changes) as (keyof VideoRow)[]).filter(name => changes[name] !== row[name]);
  if (changed.length === 0) return [];
  const pick = (of: Partial<VideoRow>) => Object.fromEntries(changed.map(name => [name, shorten(of[name])]));
  return [{ action: 'video.edit', before: pick(row), after: pick(changes) }];
}

const MAX_TEXT = 300;
const shorten = (value: VideoRow[keyof VideoRow] | undefined) =>
  typeof value === 'string' && value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : (value ?? null);

const describeAudience = (before: AudienceOfVideo, after: AudienceOfVideo): readonly AuditEntry[] =>
  before === after
    ? []
    : [{ action: 'video.audience', before: formatAudience(before), after: formatAudience(after) }];

const formatAudience = ({ audience, groups }: AudienceOfVideo) =>
  audience === 'groups' ? { audience, groups: [...groups] } : { audience };
