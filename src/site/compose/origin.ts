/** The origin of a site, listening where its settings say. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Listen } from '../../kernel/config/settings.ts';
import { formatAddress } from '../../kernel/http/client.ts';
import type { KeyPair } from '../../kernel/identity/keys.ts';
import type { Lifetime } from '../../kernel/lifecycle/lifetime.ts';
import { problem } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/base/ids.ts';
import type { SiteConfig } from '../config.ts';
import { findPublishedRecord } from '../database/publication/records.ts';
import { locateRevision } from '../database/revisions.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';
import { CopyStore } from '../media/copy-store/copy-store.ts';
import {
  createOriginServer,
  type OriginRights,
  type OriginServer,
  type OriginServerDeps,
} from '../media/cut/cut.ts';
import type { Storage, StoredFile } from '../media/storage/storage.ts';

export interface OpenedOrigin extends Pick<OriginServer, 'forget'> {
  readonly url: string;
}

export interface OriginDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly key: () => KeyPair;
  readonly rights: OriginRights;
}

export function openOrigin(
  config: SiteConfig,
  { db, storage, key, rights }: OriginDeps,
  lifetime: Lifetime,
): Promise<OpenedOrigin> {
  return startOrigin(
    {
      key,
      rights,
      copies: new CopyStore(storage),
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
    return await storage.open(video, name);
  } catch (error) {
    if (!storage.isUnavailable(video)) throw error;
    throw problem('disk-unavailable', undefined, { cause: error });
  }
}

const listenOn = (server: Server, { host, port }: Listen): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
