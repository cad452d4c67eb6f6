/** A record that a site offers, as it is kept while it is taken in: its text, and what the catalogue needs of it beside. */
import { sha256Hex } from '../../kernel/identity/keys.ts';
import { problem } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/ids.ts';
import { canonicalJson } from '../../protocol/publication/canonical.ts';
import type { RecordEntry } from '../../protocol/publication/gateway.ts';
import type { PublicationRecord } from '../../protocol/publication/record.ts';
import { normaliseForSearch } from '../../protocol/text.ts';

export interface OfferedRecord {
  readonly kind: PublicationRecord['kind'];
  readonly video: VideoId;
  readonly version: number;
  readonly hash: string;
  /** Its one spelling: what the hash is of. */
  readonly body: string;
  /** Both empty unless it is a video. */
  readonly title: string;
  readonly searchText: string;
  readonly isPrivate: boolean;
}

/** @throws Problem if the record is not what its hash says. */
export function checkRecord({ record, hash }: RecordEntry): OfferedRecord {
  const { kind, video, version } = record;
  const body = canonicalJson(record);
  if (sha256Hex(body) !== hash) {
    throw problem(
      'peer-hash-mismatch',
      `The record of video ${video}, version ${version}, is not what its hash says. The page was not taken.`,
    );
  }
  const ofVideo =
    record.kind === 'video'
      ? {
          title: record.name,
          searchText: normaliseForSearch(`${record.name}\n${record.description}`),
          isPrivate: record.visibility === 'private',
        }
      : { title: '', searchText: '', isPrivate: false };
  return { kind, video, version, hash, body, ...ofVideo };
}
