/** Reads a file as a whole, which is small because this site made it. */
import { readScattered } from './scattered-read.ts';
import type { OpenFile } from './stored-file.ts';

export async function readSmallFile(open: OpenFile, name: string): Promise<Buffer> {
  const file = await open(name);
  try {
    const bytes = Buffer.alloc((await file.stat()).size);
    await readScattered(file, bytes, [{ position: 0, length: bytes.length, target: 0 }]);
    return bytes;
  } finally {
    await file.close();
  }
}
