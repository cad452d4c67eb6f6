/** Joins the segments of a rendition into one file, as a player reads them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Presentation } from '../../src/site/media/cut/cut.ts';

/** @returns the path of the init segment followed by all media segments, in this directory */
export async function joinSegments(
  presentation: Presentation,
  id: string,
  directory: string,
): Promise<string> {
  const pieces: Buffer[] = [];
  for (let n = -1; ; n++) {
    const piece = await presentation.file(`${id}/${n < 0 ? 'init.mp4' : `${n}.m4s`}`);
    if (!piece) break;
    pieces.push(Buffer.from(piece.body));
  }
  const path = join(directory, `${id}-${Math.random()}.mp4`);
  await writeFile(path, Buffer.concat(pieces));
  return path;
}
