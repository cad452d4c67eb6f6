/**
 * One run of the publication protocol under faults, determined by its seed: a stormy phase, in which anything may fail,
 * then a calm phase, in which everything must become consistent.
 */
import { migrations } from '../../src/central/database/schema.ts';
import type { RevisionId, SiteId, VideoId } from '../../src/protocol/base/ids.ts';
import { siteMigrations } from '../../src/site/database/tables/schema.ts';
import { CentralNode } from './central-node.ts';
import { type Backup, Disk, makeTemplate, type Template } from './disk.ts';
import { Invariants, Violation } from './invariants.ts';
import { CALM, Network } from './network.ts';
import { seededRandom } from './random.ts';
import { Scheduler } from './scheduler.ts';
import {
  addVideo,
  CENTRAL,
  editVideo,
  type Simulation,
  SiteNode,
  withdrawVideo,
  writeCopy,
} from './site-node.ts';

export interface Storm {
  /** The worst state of the network: the share of messages that are lost, and of those that are duplicated. */
  readonly weather: number;
  readonly maxSites: number;
  /** Videos of each site. */
  readonly maxVideos: number;
  /** Whether central sweeps and compares digests. Without sweeps, only signals and handshakes lead to a collection. */
  readonly sweeps: boolean;
  /** The number of events in the stormy phase. */
  readonly steps: number;
  /** Probability that the next event is a fault or an action of a person. */
  readonly fate: number;
  /** The relative frequency of each kind of event. */
  readonly write: number;
  readonly withdraw: number;
  /** A site has made or renewed a copy of another site's video, or has dropped it. */
  readonly copy: number;
  readonly backUp: number;
  readonly cut: number;
  readonly crash: number;
  readonly restoreSite: number;
  readonly restoreCentral: number;
  /**
   * Three steps: central and a site are backed up together; both are restored from that, which ends one history and
   * begins another; central is restored from the end of the first history.
   */
  readonly fork: number;
  readonly overtake: number;
  /** The longest time for which a central is suspended while another takes over. */
  readonly heldMs: number;
  /** Called before the first event, for experiments with the databases. */
  readonly prepareCentral?: (disk: Disk) => void;
}
export const STORM: Storm = {
  weather: 0.2,
  maxSites: 3,
  maxVideos: 3,
  sweeps: true,
  steps: 350,
  fate: 0.14,
  write: 24,
  withdraw: 4,
  copy: 8,
  backUp: 5,
  cut: 6,
  crash: 10,
  restoreSite: 4,
  restoreCentral: 2,
  fork: 2,
  overtake: 3,
  heldMs: 60_000,
};

export interface Run {
  readonly seed: number;
  readonly violation?: string;
  /** A description of each event. */
  readonly history: readonly string[];
}

const MAX_BACKUPS = 3;
/** The calm phase must reach consistency within this time: sweeps, polls, and the longest pause between retries. */
const CALM_MS = 400_000;
const LOOK_EVERY_MS = 5_000;
const MAX_SKEW_MS = 24 * 3_600_000;

let templates: Promise<readonly [Template, Template]> | undefined;

export async function simulate(seed: number, storm: Storm = STORM): Promise<Run> {
  templates ??= Promise.all([makeTemplate(migrations), makeTemplate(siteMigrations)]);
  const [centralTemplate, siteTemplate] = await templates;
  const random = seededRandom(seed);
  const scheduler = new Scheduler(random);
  const history: string[] = [];
  const trace = (what: string): void => {
    history.push(`${(scheduler.nowMs / 1_000).toFixed(3).padStart(8)} s  ${what}`);
  };
  const network = new Network(scheduler, random, trace);
  const simulation: Simulation = { scheduler, random, network, trace, pauseChance: 0.25 };
  const sites = Array.from({ length: 1 + random.int(storm.maxSites) }, (_, index) => {
    const skewMs = random.chance(0.3) ? random.int(2 * MAX_SKEW_MS) - MAX_SKEW_MS : 0;
    return new SiteNode(
      simulation,
      `site ${index + 1}`,
      random.uuid() as SiteId,
      new Disk(siteTemplate),
      skewMs,
    );
  });
  const nameOf = new Map(sites.map(site => [site.id, site.name]));
  const central = new CentralNode(simulation, new Disk(centralTemplate), nameOf, storm.sweeps);
  for (const { id, name } of sites) enrol(central.disk, id, name);
  storm.prepareCentral?.(central.disk);
  const invariants = new Invariants(sites, central.disk);
  try {
    const fate = new Fate(simulation, storm, sites, central, invariants);
    network.weather = {
      lost: random.next() * storm.weather,
      doubled: random.next() * storm.weather,
      maxDelayMs: 1 + random.int(400),
      straggles: (random.next() * storm.weather) / 2,
      maxStraggleMs: 30_000,
    };
    for (const node of [central, ...sites]) scheduler.at(0, () => node.start());
    for (let step = 0; step < storm.steps; step++) {
      if (random.chance(storm.fate)) fate.strike();
      if (!(await scheduler.step())) break;
      invariants.check();
    }
    trace('the storm is over');
    fate.calmDown();
    const endMs = scheduler.nowMs + CALM_MS;
    let missing: string | undefined = 'nothing was looked at';
    for (let lookMs = 0; missing !== undefined; ) {
      if (scheduler.nowMs > endMs || !(await scheduler.step())) {
        throw new Violation(`it does not come right: ${missing}`);
      }
      invariants.check();
      if (scheduler.nowMs < lookMs) continue;
      lookMs = scheduler.nowMs + LOOK_EVERY_MS;
      missing = invariants.missing();
    }
    invariants.checkEnd();
    return { seed, history };
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    trace(`VIOLATION: ${error.message}`);
    return { seed, violation: error.message, history };
  } finally {
    central.crash();
    for (const site of sites) site.crash();
    for (const disk of [central.disk, ...sites.map(site => site.disk)]) disk.close();
  }
}

function enrol(disk: Disk, id: SiteId, name: string): void {
  disk.exec(`insert into members (id, role, name, base_url, zone, created_at, joined_at, position, tracker_position)
    values ('${id}', 'site', '${name}', 'http://${id}', '[]', 0, 0, 0, 0);
    insert into publications (site_id) values ('${id}')`);
}

interface KeptBackup {
  readonly of: string;
  readonly backup: Backup;
}

/** Faults, and actions of people at the sites. */
class Fate {
  readonly #simulation: Simulation;
  readonly #sites: readonly SiteNode[];
  readonly #central: CentralNode;
  readonly #invariants: Invariants;
  readonly #choices: readonly (() => void)[];
  readonly #backups = new Map<SiteNode | CentralNode, KeptBackup[]>();
  readonly #videos = new Map<SiteNode, VideoId[]>();
  readonly #copies = new Map<SiteNode, VideoId[]>();
  readonly #maxVideos: number;
  readonly #heldMs: number;
  #mark = 0;
  #forkedAt: { readonly central: KeptBackup; readonly site: KeptBackup } | undefined;
  #otherHistory: KeptBackup | undefined;

  constructor(
    simulation: Simulation,
    storm: Storm,
    sites: readonly SiteNode[],
    central: CentralNode,
    invariants: Invariants,
  ) {
    this.#simulation = simulation;
    this.#maxVideos = storm.maxVideos;
    this.#heldMs = storm.heldMs;
    this.#sites = sites;
    this.#central = central;
    this.#invariants = invariants;
    const site = (): SiteNode => simulation.random.pick(sites);
    const any = (): SiteNode | CentralNode => simulation.random.pick([...sites, central]);
    const weighted: readonly (readonly [number, () => void])[] = [
      [storm.write, () => this.#write(site())],
      [storm.withdraw, () => this.#withdraw(site())],
      [storm.copy, () => this.#copy(site())],
      [storm.crash, () => this.#crash(any())],
      [storm.cut, () => this.#cut(site())],
      [storm.backUp, () => this.#backUp(any())],
      [storm.restoreSite, () => this.#restore(site())],
      [storm.restoreCentral, () => this.#restore(central)],
      [storm.fork, () => this.#fork(sites[0]!)],
      [storm.overtake, () => this.#overtake()],
    ];
    this.#choices = weighted.flatMap(([weight, work]) => Array.from({ length: weight }, () => work));
  }

  strike(): void {
    this.#simulation.random.pick(this.#choices)();
  }

  calmDown(): void {
    const { network, scheduler } = this.#simulation;
    this.#simulation.pauseChance = 0;
    network.weather = CALM;
    for (const node of [this.#central, ...this.#sites]) {
      network.cut(nameOf(node), false);
      if (node.isUp) node.calmDown();
      // Messages from the stormy phase arrive first, whenever that is.
      else scheduler.at(1, () => node.isUp || node.start());
    }
  }

  #write(site: SiteNode): void {
    if (!site.isUp) return;
    const { random, trace } = this.#simulation;
    const videos = this.#videos.get(site) ?? [];
    this.#videos.set(site, videos);
    const revision = random.uuid() as RevisionId;
    const isNew = videos.length < this.#maxVideos && (videos.length === 0 || random.chance(0.3));
    const video = isNew ? (random.uuid() as VideoId) : random.pick(videos);
    if (isNew) videos.push(video);
    const nextMark = (): number => {
      const mark = ++this.#mark;
      trace(`${site.name}: w${mark}, ${isNew ? 'a new' : 'an edit of'} video ${video.slice(0, 4)}`);
      return mark;
    };
    site.write((db, nowMs) => (isNew ? addVideo : editVideo)(db, video, revision, nextMark, nowMs));
  }

  #withdraw(site: SiteNode): void {
    const videos = this.#videos.get(site) ?? [];
    if (!site.isUp || videos.length === 0) return;
    const video = this.#simulation.random.pick(videos);
    this.#simulation.trace(`${site.name}: video ${video.slice(0, 4)} is withdrawn`);
    site.write((db, nowMs) => withdrawVideo(db, video, nowMs));
  }

  #copy(site: SiteNode): void {
    if (!site.isUp) return;
    const { random, trace } = this.#simulation;
    const copies = this.#copies.get(site) ?? [];
    this.#copies.set(site, copies);
    const isNew = copies.length < this.#maxVideos && (copies.length === 0 || random.chance(0.3));
    const video = isNew ? (random.uuid() as VideoId) : random.pick(copies);
    if (isNew) copies.push(video);
    const isGone = !isNew && random.chance(0.4);
    const revision = random.uuid() as RevisionId;
    const nextMark = (): number => {
      const mark = ++this.#mark;
      trace(
        `${site.name}: w${mark}, ${isGone ? 'no copy any more' : 'a copy'} of video ${video.slice(0, 4)}`,
      );
      return mark;
    };
    site.write((db, nowMs) => writeCopy(db, video, isGone ? undefined : revision, nextMark, nowMs));
  }

  #crash(node: SiteNode | CentralNode): void {
    if (!node.isUp) return;
    this.#simulation.trace(`${nameOf(node)} crashes`);
    node.crash();
    this.#startLater(node);
  }

  #startLater(node: SiteNode | CentralNode): void {
    const { scheduler, random, trace } = this.#simulation;
    scheduler.at(1 + random.int(20_000), () => {
      if (node.isUp) return;
      trace(`${nameOf(node)} starts`);
      node.start();
    });
  }

  #cut(site: SiteNode): void {
    const { network, scheduler, random, trace } = this.#simulation;
    trace(`${site.name} is cut off`);
    network.cut(site.name, true);
    scheduler.at(random.int(40_000), () => {
      trace(`${site.name} is connected again`);
      network.cut(site.name, false);
    });
  }

  #backUp(node: SiteNode | CentralNode): void {
    if (node.disk.isBusy) return;
    const backups = this.#backups.get(node) ?? [];
    if (backups.length === MAX_BACKUPS) backups.splice(this.#simulation.random.int(MAX_BACKUPS), 1);
    backups.push(this.#keep(node));
    this.#backups.set(node, backups);
  }

  #keep(node: SiteNode | CentralNode): KeptBackup {
    const of = `${(this.#simulation.scheduler.nowMs / 1_000).toFixed(3)} s`;
    this.#simulation.trace(`${nameOf(node)} is backed up`);
    return { of, backup: node.disk.back() };
  }

  #restore(node: SiteNode | CentralNode): void {
    const backups = this.#backups.get(node);
    if (backups) this.#putBack(node, this.#simulation.random.pick(backups));
  }

  #putBack(node: SiteNode | CentralNode, { of, backup }: KeptBackup): void {
    this.#simulation.trace(`${nameOf(node)} is restored from its backup of ${of}`);
    // Everything committed so far counts, even if it was not checked yet.
    node.crash();
    this.#invariants.check();
    node.disk.restore(backup);
    this.#invariants.restored(node instanceof SiteNode ? node : 'central');
    this.#startLater(node);
  }

  #fork(site: SiteNode): void {
    if (this.#central.disk.isBusy || site.disk.isBusy) return;
    if (!this.#forkedAt) {
      this.#forkedAt = { central: this.#keep(this.#central), site: this.#keep(site) };
    } else if (!this.#otherHistory) {
      this.#otherHistory = this.#keep(this.#central);
      this.#putBack(this.#central, this.#forkedAt.central);
      this.#putBack(site, this.#forkedAt.site);
    } else {
      this.#putBack(this.#central, this.#otherHistory);
      this.#forkedAt = undefined;
      this.#otherHistory = undefined;
    }
  }

  #overtake(): void {
    if (!this.#central.isUp) return;
    const heldMs = this.#simulation.random.int(this.#heldMs);
    this.#simulation.trace(`central is held up for ${heldMs} ms, and another one takes over`);
    this.#central.overtake(heldMs);
  }
}

const nameOf = (node: SiteNode | CentralNode): string => (node instanceof SiteNode ? node.name : CENTRAL);
