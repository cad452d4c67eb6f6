/** Rotates a video with its matrix only, as telephones do: no frame is changed. */
import { writeFile } from 'node:fs/promises';

/** Rotates clockwise by 90°: it writes the matrix of the first video track header (version 0) in a progressive MP4. */
export async function writeRotated(video: Buffer, path: string): Promise<void> {
  const bytes = Buffer.from(video);
  const tkhd = bytes.indexOf('tkhd');
  const matrix = tkhd + 4 + 40;
  const height = bytes.readUInt32BE(matrix + 40);
  for (const [i, value] of [0, 0x1_0000, 0, -0x1_0000, 0, 0, height, 0, 0x4000_0000].entries()) {
    bytes.writeInt32BE(value, matrix + i * 4);
  }
  await writeFile(path, bytes);
}
