/**
 * What to fetch before it is asked for: the next segments of a rendition that a viewer is watching, of videos that lie at
 * other sites. Pure.
 */
import { type MediaFile, parseMediaFile } from '../http/media-file.ts';

/** Eight seconds: as long as a far holder may take to answer without a viewer's noticing. */
const SEGMENTS_AHEAD = 2;

/** Empty where the file is no media segment. */
export function listNext({ key }: MediaFile): readonly MediaFile[] {
  const match = /^(.*\/)(\d{1,8})\.m4s$/.exec(key);
  if (!match) return [];
  const [, rendition = '', number = ''] = match;
  return Array.from({ length: SEGMENTS_AHEAD }, (_, index) =>
    parseMediaFile(`${rendition}${Number(number) + 1 + index}.m4s`),
  ).filter(file => file !== undefined);
}
