/** A record that a site offers, verified against its hash, with the columns that the catalogue derives from it. */
import { sha256Hex } from '../../kernel/identity/keys.ts';
import { problem } from '../../kernel/problem.ts';
import { canonicalJson } from '../../protocol/base/canonical.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import { normaliseForSearch } from '../../protocol/base/text.ts';
import { type Audience, audienceOf } from '../../protocol/people/audience.ts';
import type { RecordEntry } from '../../protocol/publication/gateway.ts';
import type { PublicationRecord, VideoRecord } from '../../protocol/publication/record.ts';

export interface OfferedRecord {
  readonly kind: PublicationRecord['kind'];
  readonly video: VideoId;
  readonly version: number;
  readonly hash: string;
  /** The canonical JSON of the record, which is the input of its hash. */
  readonly body: string;
  /** The title and the search text are empty unless the record describes a video. */
  readonly title: string;
  readonly searchText: string;
  /** Undefined unless the record describes a video. */
  readonly audience: Audience | undefined;
  readonly owner: string | undefined;
  readonly series: string | undefined;
  /** Milliseconds since 1970; 0 if the record has no `publishAt`. */
  readonly publishAtMs: number;
  /** Undefined if the record has no `withdrawAt`. */
  readonly withdrawAtMs: number | undefined;
  /** The groups that may watch the video. Empty unless its audience is `groups`. */
  readonly groups: readonly string[];
}

/** @throws Problem `peer-hash-mismatch` if the record does not match its hash */
export function checkRecord({ record, hash }: RecordEntry): OfferedRecord {
  const { kind, video, version } = record;
  const body = canonicalJson(record);
  if (sha256Hex(body) !== hash) {
    throw problem(
      'peer-hash-mismatch',
      `The record of video ${video}, version ${version}, does not match its hash. The page was not applied.`,
    );
  }
  return { kind, video, version, hash, body, ...(record.kind === 'video' ? describe(record) : NO_VIDEO) };
}

type OfVideo = Omit<OfferedRecord, 'kind' | 'video' | 'version' | 'hash' | 'body'>;
const NO_VIDEO: OfVideo = {
  title: '',
  searchText: '',
  audience: undefined,
  owner: undefined,
  series: undefined,
  publishAtMs: 0,
  withdrawAtMs: undefined,
  groups: [],
};

function describe(record: VideoRecord): OfVideo {
  const audience = audienceOf(record);
  return {
    title: record.name,
    searchText: normaliseForSearch(`${record.name}\n${record.description}`),
    audience,
    owner: record.owner?.id,
    series: record.series?.id,
    publishAtMs: record.publishAt === undefined ? 0 : Date.parse(record.publishAt),
    withdrawAtMs: record.withdrawAt === undefined ? undefined : Date.parse(record.withdrawAt),
    groups: audience === 'groups' ? [...new Set(record.groups)] : [],
  };
}
