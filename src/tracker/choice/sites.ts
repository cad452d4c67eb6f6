/**
 * Keeps the sites in arrays, one element per site, so that a decision among a thousand sites is a loop over numbers.
 * Settings of an administrator are in a table that is rebuilt when they change; measured values are in states. Pure:
 * time is an argument.
 */

import type { SiteId } from '../../protocol/base/ids.ts';
import type { Coordinates } from '../../protocol/central.ts';

export interface SiteFacts {
  readonly id: SiteId;
  readonly name: string;
  readonly coordinates?: Coordinates | undefined;
  /** The site has joined, and no administrator has revoked it. */
  readonly active: boolean;
  /** The default is 1; a weight of 2 doubles the site's expected throughput. 0 drains the site. */
  readonly weight?: number | undefined;
  /** The site gets viewers only if no other site is left. */
  readonly drained?: boolean | undefined;
  /** The lowest value ranks first among equally good sites. */
  readonly failoverOrder?: number | undefined;
  /** Egress limit, bits per second. */
  readonly egressLimitBps?: number | undefined;
}

/** Sites are sorted by failover order, then by id, the same on every tracker. */
export interface SiteTable {
  readonly size: number;
  readonly facts: readonly SiteFacts[];
  readonly indexOf: ReadonlyMap<SiteId, number>;
  readonly active: Uint8Array;
  readonly drained: Uint8Array;
  readonly logWeight: Float64Array;
  readonly failoverOrder: Float64Array;
  readonly egressLimitBps: Float64Array;
  /** Decides between equal sites, so that each video stays at one of them. */
  readonly hash: Uint32Array;
}

export function makeSiteTable(sites: readonly SiteFacts[]): SiteTable {
  const orderOf = (site: SiteFacts): number => site.failoverOrder ?? 0;
  const facts = [...sites].sort(
    (a, b) => orderOf(a) - orderOf(b) || (a.id < b.id ? -1 : Number(a.id > b.id)),
  );
  return {
    size: facts.length,
    facts,
    indexOf: new Map(facts.map(({ id }, index) => [id, index])),
    active: Uint8Array.from(facts, site => Number(site.active)),
    drained: Uint8Array.from(facts, site => Number(site.drained === true || site.weight === 0)),
    logWeight: Float64Array.from(facts, ({ weight = 1 }) => (weight > 0 ? Math.log(weight) : 0)),
    failoverOrder: Float64Array.from(facts, orderOf),
    egressLimitBps: Float64Array.from(facts, site => site.egressLimitBps ?? Number.POSITIVE_INFINITY),
    hash: Uint32Array.from(facts, ({ id }) => hashText(id)),
  };
}

/** The indexes of those of these sites that the table has, in the given order. */
export function indexesOf({ indexOf }: SiteTable, sites: Iterable<SiteId>): number[] {
  const indexes: number[] = [];
  for (const site of sites) {
    const index = indexOf.get(site);
    if (index !== undefined) indexes.push(index);
  }
  return indexes;
}

const FNV_START = 0x811c9dc5;
/** FNV-1a, 32 bits. `start` is the hash of the preceding text. */
export function hashText(text: string, start = FNV_START): number {
  let hash = start;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

export interface SiteState {
  readonly up: boolean;
  /** The site responds again after repeated outages. It ranks last, before no site at all. */
  readonly recovering?: boolean | undefined;
  /** The site is up, but its last probe failed. */
  readonly degraded: boolean;
  readonly activeResponses: number;
  readonly egressBps: number;
  /** The limit in the site's own configuration. The administrator's limit applies as well. */
  readonly siteLimitBps?: number | undefined;
  /**
   * False if the site only takes uploads or has used its daily egress budget: it refuses viewers, so it is not offered to them, but
   * other sites may fill from it. Default: true.
   */
  readonly servesViewers?: boolean | undefined;
  /** 0–1: the share of recent viewer reports that report failures at this site. */
  readonly failureShare: number;
}
const UNSEEN_STATE: SiteState = {
  up: false,
  degraded: false,
  activeResponses: 0,
  egressBps: 0,
  failureShare: 0,
};

/** Load below this share of the egress limit does not affect the score. */
const LOW_SHARE = 0.7;
const BUSY_TERM = Math.log(4);
/** A full site ranks after every site with headroom, at any distance. */
export const FULL_TERM = -1e6;
/** A drained site ranks after every other site that responds. */
export const DRAINED_TERM = -1e9;
/** A recovering site ranks after drained sites, which at least are stable. */
export const RECOVERING_TERM = 2 * DRAINED_TERM;
const DEGRADED_TERM = Math.log(2);
/** Prefers the less busy of two idle sites, by a small margin. */
const RESPONSES_TERM = 0.02;
const RESPONSES_STEP = 200;
/**
 * Traffic of newly assigned viewers is added until the site's own reports include it. Otherwise all viewers of one
 * second would be sent to the same site.
 */
const ASSIGNED_DECAY_MS = 5_000;
const REFRESH_MS = 250;

export class SiteStates {
  readonly table: SiteTable;
  readonly #states: SiteState[];
  /** 1 if the site responds to its probes, including while it is recovering. */
  readonly up: Uint8Array;
  /** Term of a site's current state, added to the logarithm of its expected throughput. */
  readonly terms: Float64Array;
  /** The same term if the site can be offered, otherwise −∞: one read in a loop over all sites. */
  readonly offered: Float64Array;
  /** All sites sorted by `offered`, largest first, and the position of each site in this order. */
  readonly byTerm: Uint32Array;
  readonly #placeOf: Uint32Array;
  /** Bits per second expected from newly assigned viewers. */
  readonly assignedBps: Float64Array;
  /** Incremented for a site when its state is set. */
  readonly versions: Uint32Array;
  #refreshedMs = 0;

  constructor(table: SiteTable, before?: SiteStates) {
    this.table = table;
    this.#states = table.facts.map(({ id }) => {
      const index = before?.table.indexOf.get(id);
      return before && index !== undefined ? before.of(index) : UNSEEN_STATE;
    });
    this.assignedBps = Float64Array.from(table.facts, ({ id }) => {
      const index = before?.table.indexOf.get(id);
      return (index === undefined ? undefined : before?.assignedBps[index]) ?? 0;
    });
    this.#refreshedMs = before ? before.#refreshedMs : 0;
    this.terms = new Float64Array(table.size);
    this.offered = new Float64Array(table.size);
    this.up = new Uint8Array(table.size);
    this.versions = new Uint32Array(table.size);
    this.byTerm = Uint32Array.from(table.facts, (_, index) => index);
    this.#placeOf = this.byTerm.slice();
    this.offered.fill(Number.NEGATIVE_INFINITY);
    for (let index = 0; index < table.size; index++) this.#judge(index);
  }

  /** The last reported state; down for an index that the table does not have. */
  of(index: number): SiteState {
    return this.#states[index] ?? UNSEEN_STATE;
  }

  set(index: number, state: SiteState): void {
    this.#states[index] = state;
    this.versions[index] = (this.versions[index] as number) + 1;
    this.#judge(index);
  }

  /** Records that a viewer was assigned to the site, who will draw about this bitrate. */
  recordAssignment(index: number, bps: number, nowMs: number): void {
    this.decay(nowMs);
    this.assignedBps[index] = (this.assignedBps[index] ?? 0) + bps;
    this.#judge(index);
  }

  /** Decays the traffic of newly assigned viewers. It is cheap enough to call before every decision. */
  decay(nowMs: number): void {
    const elapsedMs = nowMs - this.#refreshedMs;
    if (elapsedMs < REFRESH_MS) return;
    this.#refreshedMs = nowMs;
    const left = Math.exp(-elapsedMs / ASSIGNED_DECAY_MS);
    for (let index = 0; index < this.assignedBps.length; index++) {
      const sent = this.assignedBps[index] as number;
      if (sent === 0) continue;
      this.assignedBps[index] = sent * left < 1_000 ? 0 : sent * left;
      this.#judge(index);
    }
  }

  /** Current and expected egress as a share of the limit; can exceed 1. 0 if no limit is set. */
  loadShare(index: number): number {
    const { egressBps } = this.of(index);
    return (egressBps + (this.assignedBps[index] ?? 0)) / this.limitBps(index);
  }

  /** The lower of the administrator's limit and the site's own. */
  limitBps(index: number): number {
    const { siteLimitBps = Number.POSITIVE_INFINITY } = this.of(index);
    return Math.min(siteLimitBps, this.table.egressLimitBps[index] as number);
  }

  #judge(index: number): void {
    const { activeResponses, failureShare, recovering, servesViewers, degraded, up } = this.of(index);
    this.up[index] = Number(up || recovering === true);
    const share = this.loadShare(index);
    const load =
      share >= 1 ? FULL_TERM : share > LOW_SHARE ? (-BUSY_TERM * (share - LOW_SHARE)) / (1 - LOW_SHARE) : 0;
    this.terms[index] =
      (this.table.logWeight[index] as number) +
      load -
      RESPONSES_TERM * Math.log2(1 + activeResponses / RESPONSES_STEP) -
      (degraded ? DEGRADED_TERM : 0) +
      Math.log(1 - 0.9 * Math.min(1, failureShare)) +
      (this.table.drained[index] ? DRAINED_TERM : 0) +
      (!up && recovering ? RECOVERING_TERM : 0);
    const isOffered = this.up[index] === 1 && this.table.active[index] === 1 && servesViewers !== false;
    const term = isOffered ? (this.terms[index] as number) : Number.NEGATIVE_INFINITY;
    if (term === this.offered[index]) return;
    this.offered[index] = term;
    this.#place(index, term);
  }

  /** Moves a site to the position of its term in `byTerm`. */
  #place(index: number, term: number): void {
    const { byTerm, offered } = this;
    const placeOf = this.#placeOf;
    let at = placeOf[index] as number;
    const put = (which: number, to: number): void => {
      byTerm[to] = which;
      placeOf[which] = to;
    };
    for (; at > 0 && (offered[byTerm[at - 1] as number] as number) < term; at--)
      put(byTerm[at - 1] as number, at);
    for (; at + 1 < byTerm.length && (offered[byTerm[at + 1] as number] as number) > term; at++)
      put(byTerm[at + 1] as number, at);
    put(index, at);
  }
}
