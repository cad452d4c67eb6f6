/** Prepares a video and serves it from a separate origin, as a site does. */
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { readOrMakeKey } from '../../src/kernel/identity/keys.ts';
import { newRevisionId, newVideoId } from '../../src/protocol/base/ids.ts';
import { createOriginServer } from '../../src/site/media/cut/cut.ts';
import { type PreparedSource, prepareSource } from '../../src/site/media/index/source-index.ts';
import { makeTemporaryDirectory, removeDirectory } from '../support/temporary-directory.ts';

export interface ServedSource {
  readonly prepared: PreparedSource;
  /** Ends with `/`. */
  readonly baseUrl: string;
  readonly multivariantUrl: string;
}

/** Serves a video while `use` runs, and then removes everything. */
export async function withServedSource<T>(
  sourcePath: string,
  use: (served: ServedSource) => Promise<T>,
): Promise<T> {
  const directory = await makeTemporaryDirectory('origin');
  const indexPath = join(directory, 'source.index');
  const video = newVideoId();
  const revision = newRevisionId();
  const prepared = await prepareSource(sourcePath, indexPath);
  const key = await readOrMakeKey(join(directory, 'key'));
  const errors: unknown[] = [];
  const origin = createOriginServer({
    key: () => key,
    locate: async id => (id === video ? { directory: dirname(sourcePath), indexes: [indexPath] } : undefined),
    onError: error => errors.push(error),
  });
  try {
    await new Promise<void>(resolve => origin.server.listen(0, '127.0.0.1', resolve));
    const { port } = origin.server.address() as AddressInfo;
    const baseUrl = `http://127.0.0.1:${port}/v/${video}/${revision}/`;
    const result = await use({ prepared, baseUrl, multivariantUrl: `${baseUrl}multivariant.m3u8` });
    if (errors.length > 0) throw errors[0];
    return result;
  } finally {
    await origin.stop();
    await removeDirectory(directory);
  }
}
