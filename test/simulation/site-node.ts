/** A site in the simulation: the real publisher, handshake, gateway and database on a simulated network and disk. */

import { type Repeating, repeat } from '../../src/kernel/lifecycle/repeat.ts';
import type { Log } from '../../src/kernel/log.ts';
import type { RevisionId, SiteId, VideoId } from '../../src/protocol/base/ids.ts';
import { memberInfoSchema, signalResponseSchema } from '../../src/protocol/central.ts';
import { publishedRequestSchema } from '../../src/protocol/publication/gateway.ts';
import {
  handshakeResponseSchema,
  heldPageSchema,
  restoreResponseSchema,
} from '../../src/protocol/publication/handshake.ts';
import type { RecordDraft } from '../../src/protocol/publication/record.ts';
import { changeVideo, writeDraft } from '../../src/site/database/publication/records.ts';
import { beginStart } from '../../src/site/database/publication/signal.ts';
import type { SiteSchema } from '../../src/site/database/tables/schema.ts';
import { insertVideo, markChecking, type SiteDatabase } from '../../src/site/database/tables/videos.ts';
import { createGateway } from '../../src/site/http/gateway.ts';
import type { Central } from '../../src/site/publication/central-client.ts';
import { type Publisher, startPublisher } from '../../src/site/publication/publisher.ts';
import type { Disk } from './disk.ts';
import type { Network } from './network.ts';
import { Process } from './process.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** Nothing is aborted in the simulation: a process crashes instead. */
const never = new AbortController().signal;
const SIGNAL_INTERVAL_MS = 5_000;
const MEMBER_INTERVAL_MS = 15_000;
export const CENTRAL = 'central';

export interface Simulation {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly network: Network;
  readonly trace: (what: string) => void;
  pauseChance: number;
}

interface Running {
  readonly process: Process;
  readonly db: SiteDatabase;
  readonly publisher: Publisher;
  readonly poll: Repeating;
}

export class SiteNode {
  readonly name: string;
  readonly id: SiteId;
  readonly disk: Disk;
  readonly #simulation: Simulation;
  readonly #clockSkewMs: number;
  #process: Process | undefined;
  #running: Running | undefined;

  constructor(simulation: Simulation, name: string, id: SiteId, disk: Disk, clockSkewMs: number) {
    this.#simulation = simulation;
    this.name = name;
    this.id = id;
    this.disk = disk;
    this.#clockSkewMs = clockSkewMs;
  }

  get isUp(): boolean {
    return this.#process?.isAlive ?? false;
  }

  start(): void {
    const { scheduler, random, network, trace, pauseChance } = this.#simulation;
    const process = new Process(this.name, scheduler, random, this.#clockSkewMs, pauseChance);
    this.#process = process;
    const db = this.disk.open<SiteSchema>(process);
    const central = this.#central(process);
    const log = logTo(trace, this.name);
    const begin = async (): Promise<void> => {
      await beginStart(db, random.nonce());
      const gateway = createGateway(db, () => {});
      const publisher = startPublisher({
        db,
        central: () => central,
        recoverSource: async () => ({ state: 'ready', error_code: null, error_detail: null }),
        onRestored: async records => trace(`${this.name} restores ${records.length} records`),
        newNonce: random.nonce,
        intervalMs: SIGNAL_INTERVAL_MS,
        log,
        clock: process.clock,
      });
      const poll = repeat(async () => {
        await publisher.checkEpoch(async () => (await central.fetchMemberInfo(never)).epoch).catch(() => {});
        return MEMBER_INTERVAL_MS;
      }, process.clock);
      this.#running = { process, db, publisher, poll };
      network.listen(this.name, {
        process,
        handlers: {
          records: payload => gateway.readRecords((payload as { limit: number }).limit),
          published: payload => {
            const { epoch, published } = publishedRequestSchema.parse(payload);
            return gateway.acknowledge(epoch, published);
          },
          digest: () => gateway.readDigest(),
        },
      });
    };
    void begin();
  }

  crash(): void {
    this.#process?.crash();
    this.#running = undefined;
  }

  /** A person changes something at this site. A crash may interrupt the change. */
  write(work: (db: SiteDatabase, nowMs: number) => Promise<unknown>): void {
    const { db, publisher, process } = this.#running ?? {};
    if (!db || !process?.isAlive) return;
    void work(db, process.clock.now()).then(() => publisher?.wake());
  }

  calmDown(): void {
    if (this.#process) this.#process.pauseChance = 0;
  }

  #ask(process: Process, what: string, body?: unknown): Promise<unknown> {
    return this.#simulation.network.call(process, CENTRAL, what, { site: this.id, body });
  }

  #central(process: Process): Central {
    const ask = (what: string, body?: unknown) => this.#ask(process, what, body);
    return {
      site: this.id,
      handshake: async request => handshakeResponseSchema.parse(await ask('handshake', request)),
      listHeld: async (epoch, after) => heldPageSchema.parse(await ask('held', { epoch, after })),
      fetchRecords: async (epoch, videos) =>
        restoreResponseSchema.parse(await ask('contents', { epoch, videos })).records,
      sendSignal: async () => signalResponseSchema.parse(await ask('signal')).epoch,
      fetchMemberInfo: async () => memberInfoSchema.parse(await ask('member')),
      awaitWithdrawals: async after => ({ videos: [], position: after }),
      awaitAssignments: async after => ({ assignments: [], position: after }),
      listRegistered: async () => [],
      findCatalogueEntry: async () => undefined,
      reportStorage: async () => {},
      reportRefusal: async () => {},
    };
  }
}

/**
 * An action of a person at a site. `nextMark` returns a unique number for new content. It is called in the transaction, so that marks
 * increase in the order of commits.
 */
export async function addVideo(
  db: SiteDatabase,
  video: VideoId,
  revision: RevisionId,
  nextMark: () => number,
  nowMs: number,
): Promise<void> {
  const what = { name: 'video', description: '', language: undefined, fileName: undefined, sizeBytes: 1 };
  await insertVideo(db, { id: video, ...what });
  await markChecking(db, video, '0'.repeat(64));
  await changeVideo(db, video, {
    onlyFrom: ['checking'],
    changes: { state: 'ready', revision },
    record: () => draftOf(video, revision, nextMark()),
    nowMs,
  });
}

export const editVideo = (
  db: SiteDatabase,
  video: VideoId,
  revision: RevisionId,
  nextMark: () => number,
  nowMs: number,
): Promise<boolean> =>
  changeVideo(db, video, {
    onlyFrom: ['ready'],
    changes: { revision },
    record: () => draftOf(video, revision, nextMark()),
    nowMs,
  });

export const withdrawVideo = (db: SiteDatabase, video: VideoId, nowMs: number): Promise<boolean> =>
  changeVideo(db, video, {
    onlyFrom: ['ready'],
    changes: { state: 'withdrawn' },
    record: () => ({ kind: 'tombstone', video, withdrawnAt: new Date(nowMs).toISOString() }),
    nowMs,
  });

/** Writes the record of a copy as src/site/database/publication/copies.ts does; without a revision, the record that it is gone. */
export const writeCopy = (
  db: SiteDatabase,
  video: VideoId,
  revision: string | undefined,
  nextMark: () => number,
  nowMs: number,
): Promise<void> =>
  db.transaction().execute(transaction => {
    const at = new Date(nowMs).toISOString();
    const mark = `w${nextMark()}`;
    const draft =
      revision === undefined
        ? { kind: 'gone', video, because: mark, goneAt: at }
        : {
            kind: 'copy',
            video,
            revision,
            origin: revision,
            path: mark,
            sourceAddress: '192.0.2.1:80',
            sizeBytes: 1,
            files: 1,
            copiedAt: at,
          };
    return writeDraft(transaction, video, draft as RecordDraft, nowMs);
  });

const draftOf = (video: VideoId, revision: string, mark: number): RecordDraft =>
  ({
    kind: 'video',
    video,
    revision,
    name: 'video',
    description: `w${mark}`,
    path: 'videos/a/source',
    sourceAddress: '192.0.2.1:80',
    sizeBytes: 1,
    bitrateBps: 1,
    durationMs: 1,
    sha256: '0'.repeat(64),
    container: 'MP4',
    renditions: [
      {
        kind: 'audio',
        id: 'a',
        codec: 'opus',
        bandwidthBps: 1,
        averageBandwidthBps: 1,
        channels: 2,
        sampleRateHz: 48_000,
      },
    ],
    createdAt: '2026-01-01T00:00:00.000Z',
  }) as RecordDraft;

export function logTo(trace: (what: string) => void, name: string): Log {
  const say = (fields: object, message: string): void => {
    const words = Object.entries(fields)
      .filter(([key]) => key !== 'site' && key !== 'err')
      .map(([key, value]) => `${key}: ${value}`);
    trace(`${name}: ${message}${words.length > 0 ? ` (${words.join(', ')})` : ''}`);
  };
  return {
    debug: say,
    info: say,
    warn: say,
    error(fields, message) {
      const { err } = fields as { err?: Error };
      say({ ...fields, error: err?.message }, message);
    },
  };
}
