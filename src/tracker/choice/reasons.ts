/**
 * Why a site stands where it stands: the numbers behind one score, and the same in sentences. Made for the few sites that
 * are answered, and for an explanation, never for all sites of a decision. What reads the same in many answers is made once
 * and kept, with its JSON. Pure.
 */
import {
  expectedLog,
  hasSource,
  isUp,
  type Measured,
  measuredOf,
  type Question,
  type World,
} from './choose.ts';
import { flat, Worded } from './rendered-reason.ts';
import { type SiteStates, UNSEEN_STATE } from './sites.ts';

/** What went into the score of one site. */
export interface Inputs {
  readonly distanceKm: number | undefined;
  readonly inZone: boolean;
  readonly holds: 'full' | 'partial' | 'nothing';
  readonly sourceUp: boolean;
  readonly expectedBps: number;
  /** What this would be without any measurement. */
  readonly priorBps: number;
  readonly measured: Measured | undefined;
  /** 0 where no limit is set. */
  readonly loadShare: number;
}

export function inputsOf(world: World, question: Question, index: number): Inputs {
  const { priors, network, holding, viewer } = question;
  const km = priors.km[index] as number;
  const measured = measuredOf(network, index);
  const prior = priors.expected[index] as number;
  return {
    distanceKm: Number.isNaN(km) ? undefined : km,
    inZone: viewer.zone !== undefined && world.table.facts[index]?.id === viewer.zone.site,
    holds: holding.full.includes(index) ? 'full' : holding.partial.includes(index) ? 'partial' : 'nothing',
    sourceUp: hasSource(world, holding),
    expectedBps: Math.exp(expectedLog(prior, network.lineLogBps, measured)),
    priorBps: Math.exp(prior),
    measured,
    loadShare: world.states.loadShare(index),
  };
}

/** The decisive one first: what leaves it out or puts it last, then the policy's own measure, then the rest. */
export function reasonsOf(world: World, question: Question, index: number): readonly Worded[] {
  const inputs = inputsOf(world, question, index);
  const { policy } = world;
  const reasons: Worded[] = [];
  const out = leftOut(world, question, index, inputs);
  if (out) reasons.push(out);
  const place = placeReason(question, inputs);
  if (policy === 'nearest') {
    reasons.push(place);
  } else {
    const { measured } = inputs;
    const network = measured && measured.weight > 0 ? saidMeasured(inputs, measured) : saidExpected(inputs);
    const isPlaceFirst = network.code !== 'measured-network' || (policy === 'auto' && inputs.inZone);
    if (isPlaceFirst) reasons.push(place, network);
    else reasons.push(network, place);
  }
  reasons.push(holdingReason(inputs));
  addStateReasons(reasons, world, index);
  return reasons;
}

const INACTIVE = new Worded('site-inactive', 'This site has not joined, or was revoked.');
const ASKING = new Worded('requesting-site', 'This is the site that asks.');
const DOWN = new Worded('site-down', 'This site does not answer the probes of the tracker.');
const PROVING = new Worded(
  'recovering',
  'This site has gone up and down of late: it comes last until it has stayed up for a while.',
);
const DRAINED = new Worded(
  'drained',
  'An administrator drains this site: viewers come here only when no other is left.',
);
const SERVES_NOBODY = new Worded(
  'drained',
  'This site serves no viewers now: it is for uploads, or has sent all that it may send today.',
  { own: true },
);
const FAILING = new Worded('failing-for-viewers', 'A viewer of your network has just failed at this site.');

function leftOut(world: World, { viewer }: Question, index: number, inputs: Inputs): Worded | undefined {
  const { table } = world;
  const facts = table.facts[index];
  if (!facts?.active) return INACTIVE;
  if (viewer.fillingSite === facts.id) return ASKING;
  if (!isUp(world, index)) return DOWN;
  const { up, proving, servesViewers } = world.states.states[index] ?? UNSEEN_STATE;
  if (!up && proving) return PROVING;
  if (table.drained[index]) return DRAINED;
  if (servesViewers === false) return SERVES_NOBODY;
  if (inputs.measured?.failing) return FAILING;
  if (inputs.loadShare < 1) return undefined;
  const text = `What may leave this site is in use (${percent(inputs.loadShare)} of its limit).`;
  return new Worded('full', text, { share: hundredth(inputs.loadShare) });
}

/** A zone's prefix is in hand as the same object for all its viewers. */
const zones = new WeakMap<object, Worded>();
export const EXPLORING = new Worded(
  'exploring',
  'Tried now and then, to find out whether it has become better.',
);

/** By the kilometre: the earth has 20,000. */
const distances: Worded[] = [];
const FAR_AWAY_UNKNOWN = new Worded('distance-unknown', 'How far it is from you is not known.');

function placeReason({ viewer: { zone } }: Question, { inZone, distanceKm }: Inputs): Worded {
  if (inZone && zone) {
    const found = zones.get(zone);
    if (found) return found;
    const { prefix } = zone;
    const said = new Worded('coverage-zone', `Your network ${prefix} is in the zone of this site.`, {
      prefix,
    });
    zones.set(zone, said);
    return said;
  }
  if (distanceKm === undefined) return FAR_AWAY_UNKNOWN;
  const km = Math.round(distanceKm);
  const said = distances[km] ?? new Worded('distance', `About ${formatCount(km)} km from you.`, { km });
  distances[km] = said;
  return said;
}

/** By the figure that is shown: as many as `shown` can give. */
const expectations = new Map<number, Worded>();

function saidExpected({ expectedBps }: Inputs): Worded {
  const bps = shown(expectedBps);
  const found = expectations.get(bps);
  if (found) return found;
  const said = new Worded(
    'expected-network',
    `About ${megabits(bps)} expected from its distance; nobody of your network has measured it lately.`,
    { expectedBps: bps },
  );
  expectations.set(bps, said);
  return said;
}

function saidMeasured({ expectedBps }: Inputs, { logBps, ageMs }: Measured): Worded {
  const expected = rateOf(expectedBps);
  const measured = rateOf(Math.exp(logBps));
  const ageS = Math.round(ageMs / 1_000);
  return Worded.once(
    'measured-network',
    `About ${expected.text} expected: viewers of your network measured ${measured.text}, last ${formatCount(ageS)} s ago.`,
    { expectedBps: expected.bps, measuredBps: measured.bps, ageS },
    `{"expectedBps":${expected.json},"measuredBps":${measured.json},"ageS":${ageS}}`,
  );
}

const KEEPS = new Worded('holds-original', 'Keeps the whole video.');
const ALONE = new Worded(
  'fills-from-holder',
  'The sites that keep the video are down: this one plays what it has buffered.',
  { holders: 0 },
);
const PARTLY = new Worded(
  'partly-buffered',
  'Has part of the video buffered and fetches the rest as you watch.',
);
const FETCHES = new Worded('fills-from-holder', 'Fetches the video from a site that keeps it, as you watch.');

function holdingReason({ holds, sourceUp }: Inputs): Worded {
  if (holds === 'full') return KEEPS;
  if (!sourceUp) return ALONE;
  return holds === 'partial' ? PARTLY : FETCHES;
}

/** What is said of a site's state until something is heard of it: viewers who are sent there change the load alone. */
interface StateSaid {
  readonly heard: number;
  readonly load: LoadSaid;
  readonly rest: readonly Worded[];
}
const statesSaid = new WeakMap<SiteStates, StateSaid[]>();
const SHAKY = new Worded('degraded', 'Its last probe failed; one more, and it is left out.');

function addStateReasons(reasons: Worded[], { states }: World, index: number): void {
  let all = statesSaid.get(states);
  if (!all) {
    all = [];
    statesSaid.set(states, all);
  }
  const heard = states.heard[index] as number;
  let found = all[index];
  if (found?.heard !== heard) {
    found = { heard, load: loadSaid(states, index), rest: stateReasons(states, index) };
    all[index] = found;
  }
  reasons.push(saidLoad(states, index, found.load));
  for (const said of found.rest) reasons.push(said);
}

function stateReasons(states: SiteStates, index: number): readonly Worded[] {
  const { failureShare, degraded } = states.states[index] ?? UNSEEN_STATE;
  const weight = Number(Math.exp(states.table.logWeight[index] as number).toPrecision(3));
  const said: Worded[] = [];
  if (weight !== 1)
    said.push(new Worded('weight', `An administrator has it count ${weight} times.`, { weight }));
  if (failureShare > 0) {
    const text = `${percent(failureShare)} of viewers' recent reports tell of failures here.`;
    said.push(new Worded('failing-for-viewers', text, { share: hundredth(failureShare) }));
  }
  if (degraded) said.push(SHAKY);
  return said;
}

/** As far as viewers who are sent there do not change it. */
interface LoadSaid {
  readonly responses: number;
  readonly egress: Rate;
  readonly limit: Rate | undefined;
  readonly text: string;
  readonly json: string;
}

function loadSaid(states: SiteStates, index: number): LoadSaid {
  const { activeResponses: responses, egressBps } = states.states[index] ?? UNSEEN_STATE;
  const limitBps = states.limitBps(index);
  const egress = rateOf(egressBps);
  const limit = Number.isFinite(limitBps) ? rateOf(limitBps) : undefined;
  const of = limit ? ` of ${limit.text}` : '';
  return {
    responses,
    egress,
    limit,
    text: flat(`${formatCount(responses)} responses under way, ${egress.text} going out${of}`),
    json: flat(
      `{"responses":${responses},"egressBps":${egress.json}${limit ? `,"limitBps":${limit.json}` : ''}`,
    ),
  };
}

function saidLoad(states: SiteStates, index: number, said: LoadSaid): Worded {
  const { responses, limit } = said;
  const soon = rateOf(states.assignedBps[index] as number);
  const figures: Record<string, number> = { responses, egressBps: said.egress.bps };
  let { text, json } = said;
  if (limit) {
    const loadShare = states.loadShare(index);
    figures.limitBps = limit.bps;
    figures.share = hundredth(loadShare);
    text += ` (${percent(loadShare)})`;
    json += `,"share":${figures.share}`;
  }
  if (soon.bps > 0) {
    figures.assignedBps = soon.bps;
    text += soon.moreText;
    json += soon.moreJson;
  }
  return Worded.once('load', `${text}.`, figures, `${json}}`);
}

/** A rate as it is told, in words and in figures. */
interface Rate {
  readonly bps: number;
  readonly text: string;
  readonly json: string;
  /** Of viewers who were just sent. */
  readonly moreText: string;
  readonly moreJson: string;
}
/** By the figure that is shown. */
const rates = new Map<number, Rate>();
const MOST_RATES = 20_000;

function rateOf(exactBps: number): Rate {
  const bps = shown(exactBps);
  const found = rates.get(bps);
  if (found) return found;
  const text = `${formatCount(bps / 1e6)} Mbit/s`;
  const made = {
    bps,
    text: flat(text),
    json: String(bps),
    moreText: flat(`, ${text} more expected of viewers just sent`),
    moreJson: flat(`,"assignedBps":${bps}`),
  };
  if (rates.size < MOST_RATES) rates.set(bps, made);
  return made;
}

/** As `toLocaleString('en-US')`, which takes most of the time of an answer. */
const formatCount = (count: number): string =>
  count < 1_000 ? String(count) : String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
/** As exact as it is told. */
const shown = (bps: number): number =>
  bps < 1e7 ? Math.round(bps / 1e5) * 1e5 : Math.round(bps / 1e6) * 1e6;
const megabits = (bps: number): string => rateOf(bps).text;
const hundredth = (share: number): number => Math.round(share * 100) / 100;
const percent = (share: number): string => `${Math.round(share * 100)} %`;
