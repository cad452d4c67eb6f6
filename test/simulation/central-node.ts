/** Central in the simulation: the real collector, handshakes, signals and database. Several processes may share the disk. */

import { ChangeNotifier } from '../../src/central/change-notifier.ts';
import { Collector } from '../../src/central/collector/collector.ts';
import { readEpoch } from '../../src/central/database/publication/epochs.ts';
import { acceptHandshake, listHeld, readHeld } from '../../src/central/database/publication/handshakes.ts';
import type { CentralDatabase, CentralSchema } from '../../src/central/database/schema.ts';
import { SignalRate } from '../../src/central/signal-rate.ts';
import type { SiteReader } from '../../src/central/site-reader/site-reader.ts';
import { receiveSignal } from '../../src/central/web/members/signals.ts';
import type { SiteId } from '../../src/protocol/base/ids.ts';
import {
  publishedDigestSchema,
  publishedResponseSchema,
  recordPageSchema,
} from '../../src/protocol/publication/gateway.ts';
import {
  handshakeRequestSchema,
  heldQuerySchema,
  restoreRequestSchema,
} from '../../src/protocol/publication/handshake.ts';
import type { Disk } from './disk.ts';
import { Process } from './process.ts';
import { CENTRAL, logTo, type Simulation } from './site-node.ts';

const SWEEP_INTERVAL_MS = 60_000;
const count = { inc() {} };
const signalRate = new SignalRate();
const metrics = { signals: count, records: count, rejections: count, collectFailures: count };

interface Incoming {
  readonly site: SiteId;
  readonly body?: unknown;
}

export class CentralNode {
  readonly disk: Disk;
  readonly #simulation: Simulation;
  readonly #sweeps: boolean;
  readonly #nameOf: ReadonlyMap<SiteId, string>;
  #processes: Process[] = [];

  constructor(simulation: Simulation, disk: Disk, nameOf: ReadonlyMap<SiteId, string>, sweeps: boolean) {
    this.#simulation = simulation;
    this.disk = disk;
    this.#nameOf = nameOf;
    this.#sweeps = sweeps;
  }

  get isUp(): boolean {
    return this.#processes.some(process => process.isAlive);
  }

  start(): void {
    const { scheduler, random, network, trace, pauseChance } = this.#simulation;
    const process = new Process(CENTRAL, scheduler, random, 0, pauseChance);
    this.#processes.push(process);
    const db: CentralDatabase = this.disk.open<CentralSchema>(process);
    const collector = new Collector({
      db,
      openReader: ({ id }) => this.#reader(process, this.#nameOf.get(id as SiteId) ?? id),
      changes: new ChangeNotifier(),
      metrics,
      log: logTo(trace, CENTRAL),
      sweepIntervalMs: this.#sweeps ? SWEEP_INTERVAL_MS : Number.MAX_SAFE_INTEGER,
      clock: process.clock,
    });
    const now = (): number => process.clock.now();
    network.listen(CENTRAL, {
      process,
      handlers: {
        handshake: payload => {
          const { site, body } = payload as Incoming;
          return acceptHandshake(db, site, { ...handshakeRequestSchema.parse(body), address: '' }, now());
        },
        held: payload => {
          const { site, body } = payload as Incoming;
          const { epoch, after } = heldQuerySchema.parse(body);
          return listHeld(db, site, epoch, after);
        },
        contents: async payload => {
          const { site, body } = payload as Incoming;
          const { epoch, videos } = restoreRequestSchema.parse(body);
          return { records: await readHeld(db, site, epoch, videos) };
        },
        signal: payload =>
          receiveSignal({ db, collector, metrics, signalRate }, (payload as Incoming).site, now()),
        member: async payload => {
          const epoch = await readEpoch(db, (payload as Incoming).site);
          return { trackers: [], ...(epoch ? { epoch } : {}) };
        },
      },
    });
    void collector.start();
  }

  /** A second central takes over while the first one is suspended; the first one continues later without noticing. */
  overtake(heldMs: number): void {
    for (const process of this.#processes) process.hold(heldMs);
    this.start();
  }

  crash(): void {
    for (const process of this.#processes) process.crash();
    this.#processes = [];
  }

  /** Only the last central remains, and nothing interrupts it any more. */
  calmDown(): void {
    for (const process of this.#processes.splice(0, this.#processes.length - 1)) process.crash();
    for (const process of this.#processes) process.pauseChance = 0;
  }

  #reader(process: Process, name: string): SiteReader {
    const ask = (what: string, payload?: unknown) =>
      this.#simulation.network.call(process, name, what, payload);
    return {
      readRecords: async limit => recordPageSchema.parse(await ask('records', { limit })),
      acknowledge: async (epoch, published) =>
        publishedResponseSchema.parse(await ask('published', { epoch, published })),
      readDigest: async () => publishedDigestSchema.parse(await ask('digest')),
    };
  }
}
