/** The origin of a site, listening where its settings say. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Listen } from '../../kernel/config/settings.ts';
import { errorCodeOf } from '../../kernel/error-code.ts';
import { formatAddress } from '../../kernel/http/client.ts';
import type { KeyPair } from '../../kernel/identity/keys.ts';
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import { problem } from '../../kernel/problem.ts';
import type { RevisionId, VideoId } from '../../protocol/base/ids.ts';
import type { SiteConfig } from '../config.ts';
import { findDownloads } from '../database/downloads.ts';
import { requestCheck } from '../database/file-checks.ts';
import { findPublishedRecord } from '../database/publication/records.ts';
import { locateRevision } from '../database/revisions.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import { CopyStore } from '../media/copy-store/copy-store.ts';
import {
  createOriginServer,
  type OriginRights,
  type OriginServer,
  type OriginServerDeps,
  Presentation,
} from '../media/cut/cut.ts';
import { DamagedFile, openChecked } from '../media/integrity/integrity.ts';
import type { Storage, StoredFile } from '../media/storage/storage.ts';

export interface OpenedOrigin extends Pick<OriginServer, 'forget'> {
  readonly url: string;
}

export interface OriginDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly key: () => KeyPair;
  readonly rights: OriginRights;
  /** Called after a check of a video was requested. */
  readonly onDamaged?: () => void;
}

export function openOrigin(
  config: SiteConfig,
  { db, storage, key, rights, onDamaged = () => {} }: OriginDeps,
  lifetime: Lifetime,
): Promise<OpenedOrigin> {
  return startOrigin(
    {
      key,
      rights,
      copies: new CopyStore(storage),
      // If it cannot be noted now, the next request or the next check finds the damage.
      onDamaged: video => void requestCheck(db, video).then(onDamaged, () => {}),
      downloads: video => findDownloads(db, video),
      sourceName: storage.sourceName,
      record: (video, revision, version) => findPublishedRecord(db, video, revision, version),
      async locate(video, revision) {
        const found = await locateRevision(db, video, revision);
        return typeof found === 'object'
          ? { directory: storage.directory(video), open: name => openFile(storage, video, name), ...found }
          : found;
      },
    },
    config.originListen,
    lifetime,
  );
}

/** Cuts a file of an own video, to find out whether its bytes are intact. @returns undefined if they are not */
export async function cutChecked(
  { db, storage }: Pick<OriginDeps, 'db' | 'storage'>,
  {
    video,
    revision,
    file,
  }: { readonly video: VideoId; readonly revision: RevisionId; readonly file: string },
): Promise<Buffer | undefined> {
  const found = await locateRevision(db, video, revision);
  if (typeof found !== 'object') return undefined;
  try {
    const presentation = await Presentation.open({
      directory: storage.directory(video),
      open: name => openFile(storage, video, name),
      ...found,
    });
    try {
      return (await presentation.file(file))?.body;
    } finally {
      await presentation.close();
    }
  } catch (error) {
    if (error instanceof DamagedFile) return undefined;
    throw error;
  }
}

/** @throws if the address is in use */
export async function startOrigin(
  options: OriginServerDeps,
  listen: Listen,
  lifetime: Lifetime,
): Promise<OpenedOrigin> {
  const origin = createOriginServer(options);
  lifetime.add('origin', origin.stop);
  await listenOn(origin.server, listen);
  const { port } = origin.server.address() as AddressInfo;
  return { forget: origin.forget, url: `http://${formatAddress(listen.host, port)}` };
}

/** @throws Problem `disk-unavailable` if the disk of the video is missing, so that the buffer asks another site */
async function openFile(storage: Storage, video: VideoId, name: string): Promise<StoredFile> {
  try {
    return await openChecked(storage, video, name);
  } catch (error) {
    if (storage.isUnavailable(video)) throw problem('disk-unavailable', undefined, { cause: error });
    throw errorCodeOf(error) === 'ENOENT' ? new DamagedFile(name, error) : error;
  }
}

const listenOn = (server: Server, { host, port }: Listen): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
