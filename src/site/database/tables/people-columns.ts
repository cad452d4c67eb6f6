/** The columns of a video that say who owns it, who may watch it and in which series it is; and the fields of records for them. */

import type { SiteId } from '../../../protocol/base/ids.ts';
import {
  type Audience,
  type AudienceOfVideo,
  audienceOf,
  type RecordedAudience,
} from '../../../protocol/people/audience.ts';
import type { SeriesId, Target } from '../../../protocol/people/permissions.ts';
import type { Owner, VideoRecord } from '../../../protocol/publication/record.ts';
import type { VideoRow } from './schema.ts';

export type Series = NonNullable<VideoRecord['series']>;
type PeopleFields = Pick<VideoRecord, 'visibility' | 'audience' | 'groups' | 'owner' | 'series'>;

/** `private` is 1 for every audience but `public`. */
export const audienceColumns = ({ audience, groups }: AudienceOfVideo) => ({
  private: audience === 'public' ? 0 : 1,
  audience: audience === 'internal' || audience === 'groups' ? audience : null,
  groups: audience === 'groups' ? JSON.stringify(groups) : null,
});

export const ownerColumns = (owner: Owner | undefined) => ({
  owner_id: owner?.id ?? null,
  owner_name: owner?.name ?? null,
});

export const seriesColumns = (series: Series | undefined) => ({
  series_id: series?.id ?? null,
  series_position: series?.position ?? null,
});

/** The columns of a video that this site has from its record. A record exists only of approved videos. */
export const columnsOfRecord = (record: PeopleFields) => ({
  ...audienceColumns({ audience: audienceOf(record), groups: record.groups ?? [] }),
  ...ownerColumns(record.owner),
  ...seriesColumns(record.series),
  approval: null,
  approval_comment: null,
});

type PeopleColumns = Pick<
  VideoRow,
  'private' | 'audience' | 'groups' | 'owner_id' | 'owner_name' | 'series_id' | 'series_position'
>;

export const audienceOfRow = (row: Pick<VideoRow, 'private' | 'audience' | 'groups'>): AudienceOfVideo => {
  const recorded: RecordedAudience = {
    visibility: row.private === 1 ? 'private' : undefined,
    audience: row.audience ?? undefined,
  };
  return { audience: audienceOf(recorded), groups: parseGroups(row.groups) };
};

export const ownerOfRow = ({ owner_id, owner_name }: Pick<VideoRow, 'owner_id' | 'owner_name'>) =>
  owner_id === null ? undefined : { id: owner_id, name: owner_name ?? owner_id };

export const seriesOfRow = ({
  series_id,
  series_position,
}: Pick<VideoRow, 'series_id' | 'series_position'>): Series | undefined =>
  series_id === null
    ? undefined
    : { id: series_id, ...(series_position === null ? {} : { position: Number(series_position) }) };

/** The fields for a record or a response. */
export function peopleFieldsOf(row: PeopleColumns): PeopleFields {
  const { groups } = audienceOfRow(row);
  const audience = row.audience as Extract<Audience, 'internal' | 'groups'> | null;
  const owner = ownerOfRow(row);
  const series = seriesOfRow(row);
  return {
    ...(row.private === 1 ? { visibility: 'private' as const } : {}),
    ...(audience === null ? {} : { audience }),
    ...(groups.length > 0 ? { groups: [...groups] } : {}),
    ...(owner ? { owner } : {}),
    ...(series ? { series } : {}),
  };
}

/** What an action on this video concerns. */
export const targetOf = (
  site: SiteId | undefined,
  row: Pick<VideoRow, 'owner_id'> & { readonly series_id?: SeriesId | null },
): Target => ({ site, series: row.series_id ?? undefined, owner: row.owner_id ?? undefined });

/** True before the `publishAt` of the video. */
export const isPending = ({ publish_at }: Pick<VideoRow, 'publish_at'>, nowMs = Date.now()): boolean =>
  publish_at !== null && Date.parse(publish_at) > nowMs;

/** Until a video is approved, and until its `publishAt`, it is served like a private one: only with a token. */
export const isServedPrivately = (row: Pick<VideoRow, 'private' | 'approval' | 'publish_at'>): boolean =>
  row.private === 1 || row.approval !== null || isPending(row);

const parseGroups = (text: string | null): readonly string[] =>
  text === null ? [] : (JSON.parse(text) as string[]);
