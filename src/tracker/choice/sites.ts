/**
 * The sites as arrays, one place a site, so that a decision among a thousand of them is a loop over numbers. What an
 * administrator says of a site stands in a table that is made anew when it changes; what is measured stands in states.
 * Pure: time is an argument.
 */
import type { Coordinates } from '../../protocol/central.ts';
import type { SiteId } from '../../protocol/ids.ts';

export interface SiteFacts {
  readonly id: SiteId;
  readonly name: string;
  readonly coordinates?: Coordinates | undefined;
  /** Joined, and not revoked by an administrator. */
  readonly active: boolean;
  /** 1 is usual; a site of 2 counts as twice as good. 0: as drained. */
  readonly weight?: number | undefined;
  /** Gets viewers only where no other site is left. */
  readonly drained?: boolean | undefined;
  /** Among equally good sites the lowest comes first. */
  readonly failoverOrder?: number | undefined;
  /** What may leave the site, bits a second. */
  readonly egressLimitBps?: number | undefined;
}

/** Places are in failover order, then by id: the same on every tracker. */
export interface SiteTable {
  readonly size: number;
  readonly facts: readonly SiteFacts[];
  readonly indexOf: ReadonlyMap<SiteId, number>;
  readonly active: Uint8Array;
  readonly drained: Uint8Array;
  readonly logWeight: Float64Array;
  readonly failoverOrder: Float64Array;
  readonly egressLimitBps: Float64Array;
  /** For choosing among equals, so that one video goes to one of them. */
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

const FNV_START = 0x811c9dc5;
/** FNV-1a, 32 bits. `start`: what hashing the text before this one gave. */
export function hashText(text: string, start = FNV_START): number {
  let hash = start;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

export interface SiteState {
  readonly up: boolean;
  /** Answers again, after it has gone up and down: better than no site at all. */
  readonly proving?: boolean | undefined;
  /** Up, but its last probe failed. */
  readonly degraded: boolean;
  readonly activeResponses: number;
  readonly egressBps: number;
  /** By the site's own configuration; the administrator's limit holds too. */
  readonly ownLimitBps?: number | undefined;
  /** False: for uploads alone, or its budget for today is used up. Absent: true. */
  readonly servesViewers?: boolean | undefined;
  /** 0–1: the share of viewers' recent reports on this site that tell of failures. */
  readonly failureShare: number;
}
export const UNSEEN_STATE: SiteState = {
  up: false,
  degraded: false,
  activeResponses: 0,
  egressBps: 0,
  failureShare: 0,
};

/** Where less than this share of the egress limit is in use, load is no reason. */
const EASY_SHARE = 0.7;
const BUSY_TERM = Math.log(4);
/** After every site that has room, however near it is. */
export const FULL_TERM = -1e6;
/** After every other site that answers. */
export const DRAINED_TERM = -1e9;
/** After the drained ones, too: those at least stay. */
export const PROVING_TERM = 2 * DRAINED_TERM;
const SHAKY_TERM = Math.log(2);
/** Of two idle sites the idler one, but for little. */
const RESPONSES_TERM = 0.02;
const RESPONSES_STEP = 200;
/**
 * Viewers just sent are counted in until the site's own reports show them: without that, all who come within a second
 * follow one good number.
 */
const SENT_FADE_MS = 5_000;
const REFRESH_MS = 250;

export class SiteStates {
  readonly table: SiteTable;
  readonly states: SiteState[];
  /** Answers its probes, be it only of late. */
  readonly up: Uint8Array;
  /** What a site's present state adds to the logarithm of its expected throughput. */
  readonly terms: Float64Array;
  /** The same where the site can be offered, −∞ where not: one look for a loop over all sites. */
  readonly offered: Float64Array;
  /** All sites in the order of `offered`, the largest first; and where in it each of them stands. */
  readonly byTerm: Uint32Array;
  readonly #placeOf: Uint32Array;
  /** Bits a second of viewers that were sent there a moment ago. */
  readonly assignedBps: Float64Array;
  /** Each rises when something is heard of its site. */
  readonly heard: Uint32Array;
  #refreshedMs = 0;

  constructor(table: SiteTable, before?: SiteStates) {
    this.table = table;
    this.states = table.facts.map(({ id }) => {
      const index = before?.table.indexOf.get(id);
      return (index === undefined ? undefined : before?.states[index]) ?? UNSEEN_STATE;
    });
    this.assignedBps = Float64Array.from(table.facts, ({ id }) => {
      const index = before?.table.indexOf.get(id);
      return (index === undefined ? undefined : before?.assignedBps[index]) ?? 0;
    });
    this.#refreshedMs = before ? before.#refreshedMs : 0;
    this.terms = new Float64Array(table.size);
    this.offered = new Float64Array(table.size);
    this.up = new Uint8Array(table.size);
    this.heard = new Uint32Array(table.size);
    this.byTerm = Uint32Array.from(table.facts, (_, index) => index);
    this.#placeOf = this.byTerm.slice();
    this.offered.fill(Number.NEGATIVE_INFINITY);
    for (let index = 0; index < table.size; index++) this.#judge(index);
  }

  set(index: number, state: SiteState): void {
    this.states[index] = state;
    this.heard[index] = (this.heard[index] as number) + 1;
    this.#judge(index);
  }

  /** A viewer is being sent there, who will draw about this much. */
  noteSent(index: number, bps: number, nowMs: number): void {
    this.fade(nowMs);
    this.assignedBps[index] = (this.assignedBps[index] ?? 0) + bps;
    this.#judge(index);
  }

  /** Lets the viewers who were sent fade out of the prediction. Cheap to call before every decision. */
  fade(nowMs: number): void {
    const elapsedMs = nowMs - this.#refreshedMs;
    if (elapsedMs < REFRESH_MS) return;
    this.#refreshedMs = nowMs;
    const left = Math.exp(-elapsedMs / SENT_FADE_MS);
    for (let index = 0; index < this.assignedBps.length; index++) {
      const sent = this.assignedBps[index] as number;
      if (sent === 0) continue;
      this.assignedBps[index] = sent * left < 1_000 ? 0 : sent * left;
      this.#judge(index);
    }
  }

  /** 0–1 and above: what leaves the site, and soon will, of what may. 0 where no limit is set. */
  loadShare(index: number): number {
    const { egressBps } = this.states[index] ?? UNSEEN_STATE;
    return (egressBps + (this.assignedBps[index] ?? 0)) / this.limitBps(index);
  }

  /** What may leave the site: the lower of what its administrator and its own configuration say. */
  limitBps(index: number): number {
    const { ownLimitBps = Number.POSITIVE_INFINITY } = this.states[index] ?? UNSEEN_STATE;
    return Math.min(ownLimitBps, this.table.egressLimitBps[index] as number);
  }

  #judge(index: number): void {
    const { activeResponses, failureShare, proving, servesViewers, degraded, up } =
      this.states[index] ?? UNSEEN_STATE;
    this.up[index] = Number(up || proving === true);
    const share = this.loadShare(index);
    const load =
      share >= 1
        ? FULL_TERM
        : share > EASY_SHARE
          ? (-BUSY_TERM * (share - EASY_SHARE)) / (1 - EASY_SHARE)
          : 0;
    this.terms[index] =
      (this.table.logWeight[index] as number) +
      load -
      RESPONSES_TERM * Math.log2(1 + activeResponses / RESPONSES_STEP) -
      (degraded ? SHAKY_TERM : 0) +
      Math.log(1 - 0.9 * Math.min(1, failureShare)) +
      (this.table.drained[index] || servesViewers === false ? DRAINED_TERM : 0) +
      (!up && proving ? PROVING_TERM : 0);
    const isOffered = this.up[index] === 1 && this.table.active[index] === 1;
    const term = isOffered ? (this.terms[index] as number) : Number.NEGATIVE_INFINITY;
    if (term === this.offered[index]) return;
    this.offered[index] = term;
    this.#place(index, term);
  }

  /** Moves a site to where its term belongs, past those between. */
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
