/** Lists the files of a complete copy: every file of the revision that a player or a download may need. Pure. */
import { DOWNLOAD_HEAD, DOWNLOAD_PLAN } from '../../protocol/media/download-plan.ts';
import {
  CAPTIONS_FILE,
  CAPTIONS_SEGMENT_MS,
  captionsSegment,
  DASH_MANIFEST,
  IFRAME_PLAYLIST,
  INIT_SEGMENT,
  MEDIA_PLAYLIST,
  MULTIVARIANT_PLAYLIST,
  mediaSegment,
  POSTER,
  type Rendition,
  recordFile,
  STORYBOARD,
  STORYBOARD_SPRITE,
  TIMELINE,
} from '../../protocol/media/media.ts';
import type { RevisionTimeline } from '../../protocol/media/timeline.ts';
import type { VideoRecord } from '../../protocol/publication/record.ts';

/** The small files come first. @throws Error if the timeline does not belong to the record */
export function listRevisionFiles(
  record: Pick<VideoRecord, 'version' | 'pictures' | 'renditions' | 'downloads' | 'isGrowing'>,
  timeline: RevisionTimeline,
): readonly string[] {
  const { poster = false, storyboard = false } = record.pictures ?? {};
  return [
    recordFile(record.version),
    TIMELINE,
    MULTIVARIANT_PLAYLIST,
    DASH_MANIFEST,
    ...(poster ? [POSTER] : []),
    ...(storyboard ? [STORYBOARD, STORYBOARD_SPRITE] : []),
    ...record.renditions.flatMap(rendition =>
      filesOf(rendition, timeline).map(name => `${rendition.id}/${name}`),
    ),
    // A download consists of the segments, and of what they lack.
    ...(record.downloads === 'renditions' && !record.isGrowing
      ? record.renditions
          .filter(({ kind }) => kind !== 'captions')
          .flatMap(({ id }) => [`${id}/${DOWNLOAD_PLAN}`, `${id}/${DOWNLOAD_HEAD}`])
      : []),
  ];
}

function filesOf(rendition: Rendition, timeline: RevisionTimeline): readonly string[] {
  if (rendition.kind === 'captions') {
    const count = Math.ceil(timeline.durationMs / CAPTIONS_SEGMENT_MS);
    return [MEDIA_PLAYLIST, CAPTIONS_FILE, ...Array.from({ length: count }, (_, n) => captionsSegment(n))];
  }
  const runs = timeline.renditions[rendition.id]?.runs;
  if (!runs) throw new Error(`the timeline does not have rendition ${rendition.id}`);
  const count = runs.reduce((sum, [, times]) => sum + times, 0);
  return [
    MEDIA_PLAYLIST,
    ...(rendition.kind === 'video' && rendition.iframeBandwidthBps !== undefined ? [IFRAME_PLAYLIST] : []),
    INIT_SEGMENT,
    ...Array.from({ length: count }, (_, n) => mediaSegment(n)),
  ];
}
