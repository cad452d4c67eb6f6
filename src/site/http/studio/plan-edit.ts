/** What an edit changes in the row of a video, what it needs, and what the audit log says about it. Pure. */

import { problem } from '../../../kernel/problem.ts';
import { canonicalJson } from '../../../protocol/base/canonical.ts';
import { editFieldValues, findFieldProblem } from '../../../protocol/catalogue/field-values.ts';
import type { Field } from '../../../protocol/catalogue/fields.ts';
import { type AudienceOfVideo, chosenAudience, isWidened } from '../../../protocol/people/audience.ts';
import type { AuditEvent } from '../../../protocol/people/audit.ts';
import type { AuditAction } from '../../../protocol/people/audit-actions.ts';
import type { Action, Target } from '../../../protocol/people/permissions.ts';
import { DETAILS, editDetails, type VideoDetails } from '../../../protocol/publication/details.ts';
import type { Owner, StoredDetails } from '../../../protocol/publication/record.ts';
import { findScheduleProblem } from '../../../protocol/publication/schedule.ts';
import type { SiteVideoEdit } from '../../../protocol/site.ts';
import { detailsColumns, parseDetails } from '../../database/tables/details.ts';
import {
  audienceColumns,
  audienceOfRow,
  ownerColumns,
  ownerOfRow,
  seriesColumns,
  seriesOfRow,
} from '../../database/tables/people-columns.ts';
import type { VideoRow } from '../../database/tables/schema.ts';
import { parsePrepared } from '../../media/record/record.ts';

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

export interface EditContext {
  /** What the video is to permissions before the edit. */
  readonly target: Target;
  /** The operator's fields. Undefined: this site does not know them yet, and accepts any. */
  readonly fields: readonly Field[] | undefined;
  readonly nowMs: number;
}

/** @throws Problem 400 `schedule-invalid`, `fields-invalid` */
export function planEdit(row: VideoRow, edit: SiteVideoEdit, context: EditContext): EditPlan {
  const { target } = context;
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
    ...(isPublic && isPublishedEarlier(row, edit, context.nowMs)
      ? [{ action: 'publish' as const, target: after }]
      : []),
    // Otherwise a person could make a video their own in order to withdraw it.
    ...(newOwner !== undefined || isWithdrawn(row, edit) ? [{ action: 'withdraw' as const, target }] : []),
  ];
  const texts = {
    ...(edit.name === undefined ? {} : { name: edit.name }),
    ...(edit.description === undefined ? {} : { description: edit.description }),
    ...(edit.language === undefined ? {} : { language: edit.language }),
    ...(edit.series === undefined ? {} : seriesColumns(series)),
    ...(isMoved ? detailsColumns(withoutSeries(parseDetails(row))) : {}),
    ...(isDetailsEdit(edit)
      ? detailsColumns(
          planDetails(isMoved ? withoutSeries(parseDetails(row)) : parseDetails(row), edit, context),
        )
      : {}),
  };
  return {
    changes: {
      ...texts,
      ...posterColumns(row, edit),
      ...(audience === before ? {} : audienceColumns(audience)),
    },
    needs,
    newOwner,
    entries: [...describeTexts(row, texts), ...describeAudience(before, audience)],
  };
}

/** True if others will find the video earlier than before. */
function isPublishedEarlier(row: VideoRow, { publishAt }: SiteVideoEdit, nowMs: number): boolean {
  const msOf = (time: string | null): number => Math.max(nowMs, time === null ? 0 : Date.parse(time));
  return publishAt !== undefined && msOf(publishAt) < msOf(row.publish_at);
}

const isWithdrawn = (row: VideoRow, { withdrawAt }: SiteVideoEdit): boolean =>
  withdrawAt !== undefined && withdrawAt !== null && withdrawAt !== row.withdraw_at;

/** Another poster is taken by the job that makes the extras. */
function posterColumns(row: VideoRow, { poster }: SiteVideoEdit): Partial<VideoRow> {
  if (poster === undefined || canonicalJson(poster) === canonicalJson(parseDetails(row).poster ?? null))
    return {};
  const { durationMs } = parsePrepared(row) ?? {};
  if (poster && durationMs !== undefined && poster.atMs >= durationMs)
    throw problem('request-invalid', `poster.atMs must be less than the duration, ${durationMs} ms.`);
  return { extras_made: 0, extras_attempts: 0 };
}

/** Members of newer versions belong to the series in which the video was. */
function withoutSeries({ series: _, ...details }: StoredDetails): VideoDetails {
  return details;
}

function planDetails(
  before: VideoDetails,
  edit: SiteVideoEdit,
  { fields, nowMs }: EditContext,
): VideoDetails {
  if (edit.fields && fields) {
    const wrong = findFieldProblem(fields, edit.fields, before.fields);
    if (wrong !== undefined) throw problem('fields-invalid', wrong);
  }
  const after = editDetails(before, {
    ...edit,
    ...(edit.fields && fields ? { fields: editFieldValues(fields, before.fields ?? {}, edit.fields) } : {}),
  });
  if (edit.publishAt !== undefined || edit.withdrawAt !== undefined) {
    const wrong = findScheduleProblem(after, nowMs);
    if (wrong !== undefined) throw problem('schedule-invalid', wrong);
  }
  return after;
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
  const before = describeColumns(row, changes);
  const after = describeColumns({ ...row, ...changes }, changes);
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    name => before[name] !== after[name],
  );
  if (changed.length === 0) return [];
  const pick = (of: Readonly<Record<string, Json>>) =>
    Object.fromEntries(changed.map(name => [name, shorten(of[name])]));
  return [{ action: 'video.edit', before: pick(before), after: pick(after) }];
}

type Json = string | number | null;
/** Parts of the details, which the log lists one by one. */
const OF_DETAILS: ReadonlySet<string> = new Set(['details', 'publish_at', 'withdraw_at']);

/** The columns that `changes` names, and each of the details. */
function describeColumns(row: VideoRow, changes: Partial<VideoRow>): Readonly<Record<string, Json>> {
  const columns = (Object.keys(changes) as (keyof VideoRow)[]).filter(name => !OF_DETAILS.has(name));
  const details = changes.details === undefined ? {} : parseDetails(row);
  return {
    ...Object.fromEntries(columns.map(name => [name, row[name]])),
    ...Object.fromEntries(
      Object.entries(details).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : canonicalJson(value),
      ]),
    ),
  };
}

const MAX_TEXT = 300;
const shorten = (value: Json | undefined) =>
  typeof value === 'string' && value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : (value ?? null);

const describeAudience = (before: AudienceOfVideo, after: AudienceOfVideo): readonly AuditEntry[] =>
  before === after
    ? []
    : [{ action: 'video.audience', before: formatAudience(before), after: formatAudience(after) }];

const formatAudience = ({ audience, groups }: AudienceOfVideo) =>
  audience === 'groups' ? { audience, groups: [...groups] } : { audience };
