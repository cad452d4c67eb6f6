/** Invariants that must hold during a run, and conditions that must be true at its end. They read committed rows from outside. */
import type { Disk } from './disk.ts';
import type { SiteNode } from './site-node.ts';

interface Row {
  readonly video: string;
  readonly version: number;
  readonly hash: string;
  readonly withdrawn: number;
  readonly mark: number;
}
interface OwnRow extends Row {
  readonly published: number;
}
interface SiteState {
  readonly rows: ReadonlyMap<string, OwnRow>;
  readonly flag: string;
  readonly epoch: string | undefined;
}
interface CentralState {
  readonly rows: ReadonlyMap<string, ReadonlyMap<string, Row>>;
  readonly epochs: ReadonlyMap<string, { readonly number: number; readonly key: string | undefined }>;
}

export class Violation extends Error {}

/** A withdrawal counts as later than everything else. */
const WITHDRAWN = Number.POSITIVE_INFINITY;

const markOf = (withdrawn: number, body: string): number =>
  withdrawn === 1 ? WITHDRAWN : Number(/"(?:description|path|because)":"w(\d+)"/.exec(body)?.[1]);

function readSite(disk: Disk): SiteState {
  const [signal] = disk.read<{ flag: string; epoch: number; start: string; epoch_start: string | null }>(
    'select flag, epoch, start, epoch_start from signal',
  );
  const rows = disk.read<Omit<OwnRow, 'mark'> & { body: string }>(
    'select video_id as video, version, hash, withdrawn, published, body from records',
  );
  return {
    rows: new Map(rows.map(row => [row.video, { ...row, mark: markOf(row.withdrawn, row.body) }])),
    flag: signal?.flag ?? '',
    epoch: signal && signal.start === signal.epoch_start ? `${signal.epoch} ${signal.start}` : undefined,
  };
}

function readCentral(disk: Disk): CentralState {
  const rows = new Map<string, Map<string, Row>>();
  for (const row of disk.read<Omit<Row, 'mark'> & { site: string; body: string }>(
    'select site_id as site, video_id as video, version, hash, withdrawn, body from videos',
  )) {
    const ofSite = rows.get(row.site) ?? new Map<string, Row>();
    rows.set(row.site, ofSite);
    if (ofSite.has(row.video)) throw new Violation(`central holds two rows of video ${short(row.video)}`);
    ofSite.set(row.video, { ...row, mark: markOf(row.withdrawn, row.body) });
  }
  const epochs = disk.read<{ site: string; epoch: number; start: string | null }>(
    'select site_id as site, epoch, epoch_start as start from publications',
  );
  return {
    rows,
    epochs: new Map(
      epochs.map(({ site, epoch, start }) => [
        site,
        { number: epoch, key: start === null ? undefined : `${epoch} ${start}` },
      ]),
    ),
  };
}

const short = (id: string): string => id.slice(0, 4);
const describe = (row: Row | undefined): string =>
  row ? `version ${row.version} (${row.mark === WITHDRAWN ? 'withdrawn' : `w${row.mark}`})` : 'nothing';

export class Invariants {
  readonly #sites: readonly SiteNode[];
  readonly #central: Disk;
  readonly #states = new Map<SiteNode, SiteState>();
  #centralState: CentralState | undefined;
  /** For each video, the latest content that both sides have on disk: it must never be lost. */
  readonly #floors = new Map<string, number>();
  readonly #epochs = new Map<string, number>();
  /** Sites of which either side was restored in this epoch: until the next handshake, the two sides may differ. */
  readonly #doubtful = new Map<string, string | undefined>();

  constructor(sites: readonly SiteNode[], central: Disk) {
    this.#sites = sites;
    this.#central = central;
  }

  /** @throws Violation */
  check(): void {
    if (!this.#look()) return;
    this.#forgive();
    const central = this.#centralState;
    if (!central) return;
    for (const site of this.#sites) {
      const state = this.#states.get(site);
      if (!state) continue;
      const held = central.rows.get(site.id);
      const epoch = central.epochs.get(site.id);
      const before = this.#epochs.get(site.id) ?? 0;
      if (epoch && epoch.number < before) {
        throw new Violation(`the epoch of ${site.name} went back from ${before} to ${epoch.number}`);
      }
      this.#epochs.set(site.id, epoch?.number ?? 0);
      for (const [video, mark] of this.#present(site)) {
        this.#floors.set(video, Math.max(mark, this.#floors.get(video) ?? 0));
      }
      for (const [video, row] of held ?? []) {
        if (this.#withdrawn.has(video) && row.withdrawn === 0) {
          throw new Violation(`video ${short(video)} of ${site.name} was withdrawn and came back`);
        }
        if (row.withdrawn === 1) this.#withdrawn.add(video);
      }
      const isCommon = state.epoch !== undefined && state.epoch === epoch?.key;
      if (!isCommon || this.#doubtful.get(site.id) === state.epoch) continue;
      for (const row of state.rows.values()) {
        const theirs = held?.get(row.video);
        if (row.published === 1 && (theirs?.version !== row.version || theirs.hash !== row.hash)) {
          throw new Violation(
            `${site.name} holds ${describe(row)} of video ${short(row.video)} for published, and central has ${describe(theirs)}`,
          );
        }
      }
    }
  }
  readonly #withdrawn = new Set<string>();

  /** Call it when a backup was restored: content that neither side has any more is lost, and that is no violation. */
  restored(what: SiteNode | 'central'): void {
    this.#restored.add(what);
  }
  readonly #restored = new Set<SiteNode | 'central'>();

  #forgive(): void {
    for (const what of this.#restored) {
      const isCentral = what === 'central';
      if (isCentral) {
        this.#epochs.clear();
        this.#withdrawn.clear();
      }
      for (const site of isCentral ? this.#sites : [what]) {
        this.#doubtful.set(site.id, this.#states.get(site)?.epoch);
        const present = new Map(this.#present(site));
        for (const video of this.#videosOf.get(site) ?? []) this.#floors.set(video, present.get(video) ?? 0);
      }
    }
    this.#restored.clear();
  }
  readonly #videosOf = new Map<SiteNode, Set<string>>();

  /** The reason why the run is not complete yet; undefined if everything is consistent. */
  missing(): string | undefined {
    this.#look();
    const central = this.#centralState;
    for (const site of this.#sites) {
      const state = this.#states.get(site);
      if (!state || !central) return 'something was never read';
      const held = central.rows.get(site.id) ?? new Map<string, Row>();
      if (state.epoch === undefined) return `${site.name} has made no handshake`;
      if (state.epoch !== central.epochs.get(site.id)?.key)
        return `${site.name} is in another epoch than central`;
      if (state.flag !== 'sent') return `${site.name} has a signal to send`;
      for (const video of new Set([...state.rows.keys(), ...held.keys()])) {
        const own = state.rows.get(video);
        const theirs = held.get(video);
        if (!own || !theirs || own.version !== theirs.version || own.hash !== theirs.hash) {
          return `of video ${short(video)} ${site.name} has ${describe(own)} and central ${describe(theirs)}`;
        }
        if (own.published !== 1) return `${site.name} holds video ${short(video)} for unpublished`;
      }
    }
    const pending = this.#central.read('select id from signals where handled_at is null').length;
    return pending > 0 ? `${pending} signals are not handled` : undefined;
  }

  /** Call it when nothing is missing. @throws Violation if anything was lost that had been safe */
  checkEnd(): void {
    for (const site of this.#sites) {
      const present = new Map(this.#present(site));
      for (const video of this.#videosOf.get(site) ?? []) {
        const floor = this.#floors.get(video) ?? 0;
        const mark = present.get(video) ?? 0;
        if (mark < floor) {
          const was = floor === WITHDRAWN ? 'a withdrawal' : `w${floor}`;
          throw new Violation(
            `${was} of video ${short(video)} of ${site.name} was safe, and the end is w${mark}`,
          );
        }
      }
    }
  }

  /** Reads the changes. @returns false if a transaction is open, or if nothing has changed */
  #look(): boolean {
    const disks = [this.#central, ...this.#sites.map(site => site.disk)];
    if (disks.some(disk => disk.isBusy) || !disks.some(disk => disk.isChanged)) return false;
    if (this.#central.isChanged) this.#centralState = readCentral(this.#central);
    for (const site of this.#sites) {
      if (!site.disk.isChanged) continue;
      const state = readSite(site.disk);
      this.#states.set(site, state);
    }
    for (const site of this.#sites) {
      const known = this.#videosOf.get(site) ?? new Set<string>();
      this.#videosOf.set(site, known);
      for (const video of this.#states.get(site)?.rows.keys() ?? []) known.add(video);
      for (const video of this.#centralState?.rows.get(site.id)?.keys() ?? []) known.add(video);
    }
    for (const disk of disks) disk.isChanged = false;
    return true;
  }

  /** The latest content of each video that either side has. */
  *#present(site: SiteNode): Iterable<readonly [string, number]> {
    const own = this.#states.get(site)?.rows;
    const held = this.#centralState?.rows.get(site.id);
    for (const video of new Set([...(own?.keys() ?? []), ...(held?.keys() ?? [])])) {
      yield [video, Math.max(own?.get(video)?.mark ?? 0, held?.get(video)?.mark ?? 0)];
    }
  }
}
