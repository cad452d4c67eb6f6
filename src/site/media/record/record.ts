import type { RecordDraft } from '../../../protocol/publication/record.ts';
import { parseExtras } from '../../database/extras.ts';
import { parseDetails } from '../../database/tables/details.ts';
import { peopleFieldsOf } from '../../database/tables/people-columns.ts';
import type { VideoRow } from '../../database/tables/schema.ts';
import type { PreparedSource } from '../index/source-index.ts';
import type { Storage } from '../storage/storage.ts';

interface RecordDeps {
  readonly storage: Pick<Storage, 'recordPath'>;
  /** IP address and port of this site's source server. */
  readonly sourceAddress: string;
}

/** The description of a video's source, as its row holds it; undefined before the source has been checked. */
export const parsePrepared = ({ prepared }: Pick<VideoRow, 'prepared'>): PreparedSource | undefined =>
  prepared === null ? undefined : (JSON.parse(prepared) as PreparedSource);

/**
 * The record of a video that can be played, at least in part.
 *
 * @throws Error if its source has not been checked
 */
export function makeRecord(video: VideoRow, { storage, sourceAddress }: RecordDeps): RecordDraft {
  const prepared = parsePrepared(video);
  if (!prepared) throw new Error(`video ${video.id} has no description of its source`);
  const extras = parseExtras(video.extras);
  const { container, durationMs, sizeBytes, bitrateBps, renditions, takenOver } = prepared;
  const people = peopleFieldsOf(video);
  const { series: moreOfSeries, ...details } = parseDetails(video);
  const pictures =
    extras.poster || extras.storyboard
      ? { poster: extras.poster !== undefined, storyboard: extras.storyboard !== undefined }
      : takenOver?.pictures;
  return {
    kind: 'video',
    video: video.id,
    revision: video.revision,
    name: video.name,
    description: video.description,
    ...(video.language ? { language: video.language } : {}),
    path: takenOver?.path ?? storage.recordPath(video.id),
    sourceAddress,
    sizeBytes,
    bitrateBps,
    durationMs,
    ...(prepared.width && prepared.height ? { width: prepared.width, height: prepared.height } : {}),
    sha256: video.sha256,
    container,
    renditions: [...renditions, ...extras.captions.map(({ rendition }) => rendition)],
    ...(pictures ? { pictures } : {}),
    ...(video.state === 'preparing' ? { isGrowing: true } : {}),
    ...details,
    ...people,
    ...(people.series ? { series: { ...moreOfSeries, ...people.series } } : {}),
    createdAt: video.created_at,
  } as RecordDraft;
}
