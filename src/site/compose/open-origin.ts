/** The origin (SP), listening where the settings of a site want it. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Listen } from '../../kernel/config/settings.ts';
import { formatAddress } from '../../kernel/http/client.ts';
import type { KeyPair } from '../../kernel/identity/keys.ts';
import { problem } from '../../kernel/problem.ts';
import type { VideoId } from '../../protocol/ids.ts';
import type { SiteConfig } from '../config.ts';
import { findPublishedRecord } from '../database/records.ts';
import { locateRevision } from '../database/revisions.ts';
import type { SiteDatabase } from '../database/videos.ts';
import { CopyStore } from '../media/copy-store/copy-store.ts';
import { createOriginServer, type OriginRights, type OriginServer } from '../media/cut/cut.ts';
import type { Storage, StoredFile } from '../media/storage/storage.ts';

export interface OpenedOrigin extends OriginServer {
  readonly url: string;
}

export interface OriginDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly key: () => KeyPair;
  readonly rights: OriginRights;
}

export async function openOrigin(
  config: SiteConfig,
  { db, storage, key, rights }: OriginDeps,
): Promise<OpenedOrigin> {
  const origin = createOriginServer({
    key,
    rights,
    copies: new CopyStore(storage),
    record: (video, revision, version) => findPublishedRecord(db, video, revision, version),
    async locate(video, revision) {
      const found = await locateRevision(db, video, revision);
      return typeof found === 'object'
        ? { directory: storage.directory(video), open: name => openHere(storage, video, name), ...found }
        : found;
    },
  });
  await listen(origin.server, config.originListen);
  const { port } = origin.server.address() as AddressInfo;
  return { ...origin, url: `http://${formatAddress(config.originListen.host, port)}` };
}

/** @throws Problem where the video's disk is not there: another holder may be asked */
async function openHere(storage: Storage, video: VideoId, name: string): Promise<StoredFile> {
  try {
    return await storage.open(video, name);
  } catch (error) {
    if (!storage.isUnavailable(video)) throw error;
    throw problem(
      'disk-unavailable',
      'The disk that holds this video is not there. Play it from another site.',
      {
        cause: error,
      },
    );
  }
}

const listen = (server: Server, { host, port }: Listen): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
