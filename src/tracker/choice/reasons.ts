/**
 * Explains the score of a site, as numbers and as sentences. Reasons are only made for the few sites in a response or
 * an explanation, never for all sites of a decision. Reasons that occur in many responses are cached with their JSON.
 * Pure.
 */
import {
  expectedLog,
  hasSource,
  isUp,
  type Measured,
  measuredOf,
  type Question,
  type RankingState,
} from './choose.ts';
import { flatten, RenderedReason } from './rendered-reason.ts';
import type { SiteStates } from './sites.ts';

/** The inputs of one site's score. */
export interface Inputs {
  readonly distanceKm: number | undefined;
  readonly inZone: boolean;
  readonly holds: 'full' | 'partial' | 'nothing';
  readonly sourceUp: boolean;
  readonly expectedBps: number;
  /** Expected throughput without any measurement. */
  readonly priorBps: number;
  readonly measured: Measured | undefined;
  /** 0 if no limit is set. */
  readonly loadShare: number;
}

export function inputsOf(state: RankingState, question: Question, index: number): Inputs {
  const { priors, network, holding, client } = question;
  const km = priors.km[index] as number;
  const measured = measuredOf(network, index);
  const prior = priors.expected[index] as number;
  return {
    distanceKm: Number.isNaN(km) ? undefined : km,
    inZone: client.zone !== undefined && state.table.facts[index]?.id === client.zone.site,
    holds: holding.full.includes(index) ? 'full' : holding.partial.includes(index) ? 'partial' : 'nothing',
    sourceUp: hasSource(state, holding),
    expectedBps: Math.exp(expectedLog(prior, network.accessLinkLogBps, measured)),
    priorBps: Math.exp(prior),
    measured,
    loadShare: state.states.loadShare(index),
  };
}

/**
 * Lists the reasons, the decisive one first: an exclusion or last rank, then the measure that the policy uses, then the
 * rest.
 */
export function reasonsOf(state: RankingState, question: Question, index: number): readonly RenderedReason[] {
  const inputs = inputsOf(state, question, index);
  const { policy } = state;
  const reasons: RenderedReason[] = [];
  const exclusion = exclusionReason(state, question, index, inputs);
  if (exclusion) reasons.push(exclusion);
  const location = locationReason(question, inputs);
  if (policy === 'nearest') {
    reasons.push(location);
  } else {
    const { measured } = inputs;
    const network =
      measured && measured.weight > 0 ? renderMeasured(inputs, measured) : renderExpected(inputs);
    const isLocationFirst = network.code !== 'measured-network' || (policy === 'auto' && inputs.inZone);
    if (isLocationFirst) reasons.push(location, network);
    else reasons.push(network, location);
  }
  reasons.push(holdingReason(inputs));
  addStateReasons(reasons, state, index);
  return reasons;
}

const INACTIVE = new RenderedReason('site-inactive', 'This site has not joined, or its access was revoked.');
const REQUESTING = new RenderedReason('requesting-site', 'This is the site that made the request.');
const DOWN = new RenderedReason('site-down', "This site does not respond to the tracker's probes.");
const RECOVERING = new RenderedReason(
  'recovering',
  'This site had repeated outages. It ranks last until it has been stable for a while.',
);
const DRAINED = new RenderedReason(
  'drained',
  'An administrator is draining this site. It gets viewers only if no other site is available.',
);
const SERVES_NOBODY = new RenderedReason(
  'drained',
  'This site serves no viewers at the moment: it only takes uploads, or it has reached its daily limit.',
  { own: true },
);
const FAILING = new RenderedReason(
  'failing-for-viewers',
  'A viewer on your network just failed to play from this site.',
);

function exclusionReason(
  state: RankingState,
  { client }: Question,
  index: number,
  inputs: Inputs,
): RenderedReason | undefined {
  const { table } = state;
  const facts = table.facts[index];
  if (!facts?.active) return INACTIVE;
  if (client.fillingSite === facts.id) return REQUESTING;
  if (!isUp(state, index)) return DOWN;
  const { up, recovering, servesViewers } = state.states.of(index);
  if (!up && recovering) return RECOVERING;
  if (table.drained[index]) return DRAINED;
  if (servesViewers === false) return SERVES_NOBODY;
  if (inputs.measured?.failing) return FAILING;
  if (inputs.loadShare < 1) return undefined;
  const text = `Its egress limit is reached (${percent(inputs.loadShare)} in use).`;
  return new RenderedReason('full', text, { share: hundredth(inputs.loadShare) });
}

/** All clients of a zone share one zone object, which is the cache key. */
const zones = new WeakMap<object, RenderedReason>();
export const EXPLORING = new RenderedReason(
  'exploring',
  'Re-tested occasionally to find out whether it has improved.',
);

/** Indexed by kilometre: no distance on earth exceeds about 20,000 km. */
const distances: RenderedReason[] = [];
const DISTANCE_UNKNOWN = new RenderedReason('distance-unknown', 'Its distance from you is unknown.');

function locationReason({ client: { zone } }: Question, { inZone, distanceKm }: Inputs): RenderedReason {
  if (inZone && zone) {
    const found = zones.get(zone);
    if (found) return found;
    const { prefix } = zone;
    const rendered = new RenderedReason(
      'coverage-zone',
      `Your network ${prefix} is in the coverage zone of this site.`,
      {
        prefix,
      },
    );
    zones.set(zone, rendered);
    return rendered;
  }
  if (distanceKm === undefined) return DISTANCE_UNKNOWN;
  const km = Math.round(distanceKm);
  const rendered =
    distances[km] ?? new RenderedReason('distance', `About ${formatCount(km)} km from you.`, { km });
  distances[km] = rendered;
  return rendered;
}

/** Keyed by the rounded figure, which bounds the size of the map. */
const expectations = new Map<number, RenderedReason>();

function renderExpected({ expectedBps }: Inputs): RenderedReason {
  const bps = rounded(expectedBps);
  const found = expectations.get(bps);
  if (found) return found;
  const rendered = new RenderedReason(
    'expected-network',
    `About ${megabits(bps)} expected from its distance; no recent measurements from your network.`,
    { expectedBps: bps },
  );
  expectations.set(bps, rendered);
  return rendered;
}

function renderMeasured({ expectedBps }: Inputs, { logBps, ageMs }: Measured): RenderedReason {
  const expected = rateOf(expectedBps);
  const measured = rateOf(Math.exp(logBps));
  const ageS = Math.round(ageMs / 1_000);
  return RenderedReason.once(
    'measured-network',
    `About ${expected.text} expected: viewers on your network measured ${measured.text}, last ${formatCount(ageS)} s ago.`,
    { expectedBps: expected.bps, measuredBps: measured.bps, ageS },
    `{"expectedBps":${expected.json},"measuredBps":${measured.json},"ageS":${ageS}}`,
  );
}

const HAS_WHOLE = new RenderedReason('holds-original', 'Has the whole video.');
const HOLDERS_DOWN = new RenderedReason(
  'fills-from-holder',
  'The sites with the whole video are down, so this site can only play the part in its buffer.',
  { holders: 0 },
);
const HAS_PART = new RenderedReason(
  'partly-buffered',
  'Has part of the video in its buffer and fetches the rest as you watch.',
);
const FILLS = new RenderedReason('fills-from-holder', 'Fetches the video from another site as you watch.');

function holdingReason({ holds, sourceUp }: Inputs): RenderedReason {
  if (holds === 'full') return HAS_WHOLE;
  if (!sourceUp) return HOLDERS_DOWN;
  return holds === 'partial' ? HAS_PART : FILLS;
}

/** The reasons from a site's state, valid until the state changes. Newly assigned viewers change only the load. */
interface StateReasons {
  readonly version: number;
  readonly load: PreparedLoad;
  readonly rest: readonly RenderedReason[];
}
const reasonsByStates = new WeakMap<SiteStates, StateReasons[]>();
const DEGRADED = new RenderedReason(
  'degraded',
  'Its last probe failed. It is left out after one more failure.',
);

function addStateReasons(reasons: RenderedReason[], { states }: RankingState, index: number): void {
  let all = reasonsByStates.get(states);
  if (!all) {
    all = [];
    reasonsByStates.set(states, all);
  }
  const version = states.versions[index] as number;
  let found = all[index];
  if (found?.version !== version) {
    found = { version, load: prepareLoad(states, index), rest: makeStateReasons(states, index) };
    all[index] = found;
  }
  reasons.push(renderLoad(states, index, found.load));
  for (const rendered of found.rest) reasons.push(rendered);
}

function makeStateReasons(states: SiteStates, index: number): readonly RenderedReason[] {
  const { failureShare, degraded } = states.of(index);
  const weight = Number(Math.exp(states.table.logWeight[index] as number).toPrecision(3));
  const reasons: RenderedReason[] = [];
  if (weight !== 1)
    reasons.push(new RenderedReason('weight', `An administrator set its weight to ${weight}.`, { weight }));
  if (failureShare > 0) {
    const text = `${percent(failureShare)} of recent viewer reports mention failures at this site.`;
    reasons.push(new RenderedReason('failing-for-viewers', text, { share: hundredth(failureShare) }));
  }
  if (degraded) reasons.push(DEGRADED);
  return reasons;
}

/** The part of the load that newly assigned viewers do not change. */
interface PreparedLoad {
  readonly responses: number;
  readonly egress: Rate;
  readonly limit: Rate | undefined;
  readonly text: string;
  readonly json: string;
}

function prepareLoad(states: SiteStates, index: number): PreparedLoad {
  const { activeResponses: responses, egressBps } = states.of(index);
  const limitBps = states.limitBps(index);
  const egress = rateOf(egressBps);
  const limit = Number.isFinite(limitBps) ? rateOf(limitBps) : undefined;
  const of = limit ? ` of ${limit.text}` : '';
  return {
    responses,
    egress,
    limit,
    text: flatten(`${formatCount(responses)} responses in progress, sending ${egress.text}${of}`),
    json: flatten(
      `{"responses":${responses},"egressBps":${egress.json}${limit ? `,"limitBps":${limit.json}` : ''}`,
    ),
  };
}

function renderLoad(states: SiteStates, index: number, rendered: PreparedLoad): RenderedReason {
  const { responses, limit } = rendered;
  const assigned = rateOf(states.assignedBps[index] as number);
  const figures: Record<string, number> = { responses, egressBps: rendered.egress.bps };
  let { text, json } = rendered;
  if (limit) {
    const loadShare = states.loadShare(index);
    figures.limitBps = limit.bps;
    figures.share = hundredth(loadShare);
    text += ` (${percent(loadShare)})`;
    json += `,"share":${figures.share}`;
  }
  if (assigned.bps > 0) {
    figures.assignedBps = assigned.bps;
    text += assigned.assignedText;
    json += assigned.assignedJson;
  }
  return RenderedReason.once('load', `${text}.`, figures, `${json}}`);
}

/** A bitrate, rounded and formatted as text and as JSON. */
interface Rate {
  readonly bps: number;
  readonly text: string;
  readonly json: string;
  /** The phrase for viewers who were just assigned. */
  readonly assignedText: string;
  readonly assignedJson: string;
}
/** Keyed by the rounded figure. */
const rates = new Map<number, Rate>();
const MAX_RATES = 20_000;

function rateOf(exactBps: number): Rate {
  const bps = rounded(exactBps);
  const found = rates.get(bps);
  if (found) return found;
  const text = `${formatCount(bps / 1e6)} Mbit/s`;
  const made = {
    bps,
    text: flatten(text),
    json: String(bps),
    assignedText: flatten(`, ${text} more expected from viewers just assigned`),
    assignedJson: flatten(`,"assignedBps":${bps}`),
  };
  if (rates.size < MAX_RATES) rates.set(bps, made);
  return made;
}

/** Formats like `toLocaleString('en-US')`, which would take most of the time of a response. */
const formatCount = (count: number): string =>
  count < 1_000 ? String(count) : String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
/** Rounds to the precision of the texts. */
const rounded = (bps: number): number =>
  bps < 1e7 ? Math.round(bps / 1e5) * 1e5 : Math.round(bps / 1e6) * 1e6;
const megabits = (bps: number): string => rateOf(bps).text;
const hundredth = (share: number): number => Math.round(share * 100) / 100;
const percent = (share: number): string => `${Math.round(share * 100)} %`;
