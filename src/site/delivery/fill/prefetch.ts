/** Chooses the files to prefetch: the next segments of a rendition that a viewer is watching. Pure. */
import { type MediaFile, parseMediaFile } from '../http/media-file.ts';

/** About eight seconds: a distant upstream may take that long to respond before the viewer notices. */
const SEGMENTS_AHEAD = 2;

/** Empty if the file is not a media segment. */
export function listNext({ key }: MediaFile): readonly MediaFile[] {
  const match = /^(.*\/)(\d{1,8})\.m4s$/.exec(key);
  if (!match) return [];
  const [, rendition = '', number = ''] = match;
  return Array.from({ length: SEGMENTS_AHEAD }, (_, index) =>
    parseMediaFile(`${rendition}${Number(number) + 1 + index}.m4s`),
  ).filter(file => file !== undefined);
}
