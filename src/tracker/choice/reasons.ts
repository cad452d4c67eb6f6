/**
 * Why a site stands where it stands: the numbers behind one score, and the same in sentences. Made for the few sites that
 * are answered, and for an explanation, never for all sites of a decision. Pure.
 */
import type { Reason } from '../../protocol/tracker.ts';
import { expectedLog, hasSource, isUp, type Measured, type Question, type World } from './choose.ts';
import { UNSEEN_STATE } from './sites.ts';

/** What went into the score of one site. */
export interface Inputs {
  readonly distanceKm: number | undefined;
  readonly inZone: boolean;
  readonly holds: 'full' | 'partial' | 'nothing';
  readonly sourceUp: boolean;
  readonly expectedBps: number;
  /** What this would be without any measurement. */
  readonly usualBps: number;
  readonly measured: Measured | undefined;
  /** 0 where no limit is set. */
  readonly loadShare: number;
}

export function inputsOf(world: World, question: Question, index: number): Inputs {
  const { priors, network, holding, viewer } = question;
  const km = priors.km[index] as number;
  const measured = network.measured.find(each => each.index === index);
  const prior = priors.expected[index] as number;
  return {
    distanceKm: Number.isNaN(km) ? undefined : km,
    inZone: viewer.zone !== undefined && world.table.facts[index]?.id === viewer.zone.site,
    holds: holding.full.includes(index) ? 'full' : holding.partial.includes(index) ? 'partial' : 'nothing',
    sourceUp: hasSource(world, holding),
    expectedBps: Math.exp(expectedLog(prior, network.lineLogBps, measured)),
    usualBps: Math.exp(prior),
    measured,
    loadShare: world.states.loadShare(index),
  };
}

/** The decisive one first: what leaves it out or puts it last, then the policy's own measure, then the rest. */
export function reasonsOf(world: World, question: Question, index: number): readonly Reason[] {
  const inputs = inputsOf(world, question, index);
  const { policy } = world;
  const place = placeReason(question, inputs);
  const network = policy === 'nearest' ? [] : networkReasons(inputs);
  const isMeasured = network[0]?.code === 'measured-network';
  return [
    ...leftOut(world, question, index, inputs),
    ...(isMeasured && !(policy === 'auto' && inputs.inZone) ? [...network, place] : [place, ...network]),
    holdingReason(inputs),
    ...stateReasons(world, index, inputs),
  ];
}

function leftOut(world: World, { viewer }: Question, index: number, inputs: Inputs): Reason[] {
  const { table } = world;
  const facts = table.facts[index];
  if (!facts?.active) return [reason('site-inactive', 'This site has not joined, or was revoked.')];
  if (viewer.fillingSite === facts.id) return [reason('asking-site', 'This is the site that asks.')];
  if (!isUp(world, index))
    return [reason('site-down', 'This site does not answer the probes of the tracker.')];
  const { up, proving, servesViewers } = world.states.states[index] ?? UNSEEN_STATE;
  if (!up && proving)
    return [
      reason(
        'proving',
        'This site has gone up and down of late: it comes last until it has stayed up for a while.',
      ),
    ];
  if (table.drained[index])
    return [
      reason('drained', 'An administrator drains this site: viewers come here only when no other is left.'),
    ];
  if (servesViewers === false)
    return [
      reason(
        'drained',
        'This site serves no viewers now: it is for uploads, or has sent all that it may send today.',
      ),
    ];
  if (inputs.measured?.failing)
    return [reason('failing-for-viewers', 'A viewer of your network has just failed at this site.')];
  if (inputs.loadShare >= 1)
    return [
      reason('full', `What may leave this site is in use (${percent(inputs.loadShare)} of its limit).`),
    ];
  return [];
}

function placeReason({ viewer }: Question, { inZone, distanceKm }: Inputs): Reason {
  if (inZone)
    return reason('coverage-zone', `Your network ${viewer.zone?.prefix} is in the zone of this site.`);
  if (distanceKm !== undefined)
    return reason('distance', `About ${formatCount(Math.round(distanceKm))} km from you.`);
  return reason('distance-unknown', 'How far it is from you is not known.');
}

function networkReasons({ measured, expectedBps }: Inputs): Reason[] {
  if (!measured || measured.weight === 0)
    return [
      reason(
        'expected-network',
        `About ${megabits(expectedBps)} expected from its distance; nobody of your network has measured it lately.`,
      ),
    ];
  return [
    reason(
      'measured-network',
      `About ${megabits(expectedBps)} expected: viewers of your network measured ${megabits(Math.exp(measured.logBps))}, last ${formatCount(Math.round(measured.ageMs / 1_000))} s ago.`,
    ),
  ];
}

function holdingReason({ holds, sourceUp }: Inputs): Reason {
  if (holds === 'full') return reason('holds-original', 'Keeps the whole video.');
  if (!sourceUp)
    return reason(
      'fills-from-holder',
      'The sites that keep the video are down: this one plays what it has buffered.',
    );
  if (holds === 'partial')
    return reason('partly-buffered', 'Has part of the video buffered and fetches the rest as you watch.');
  return reason('fills-from-holder', 'Fetches the video from a site that keeps it, as you watch.');
}

function stateReasons({ table, states }: World, index: number, { loadShare }: Inputs): Reason[] {
  const { activeResponses, egressBps, failureShare, shaky } = states.states[index] ?? UNSEEN_STATE;
  const limit = states.limitBps(index);
  const sent = states.sentBps[index] as number;
  const of = Number.isFinite(limit) ? ` of ${megabits(limit)} (${percent(loadShare)})` : '';
  const soon = sent > 0 ? `, ${megabits(sent)} more expected of viewers just sent` : '';
  const weight = Math.exp(table.logWeight[index] as number);
  return [
    reason(
      'load',
      `${formatCount(activeResponses)} responses under way, ${megabits(egressBps)} going out${of}${soon}.`,
    ),
    ...(Math.abs(weight - 1) > 1e-9
      ? [reason('weight', `An administrator has it count ${Number(weight.toPrecision(3))} times.`)]
      : []),
    ...(failureShare > 0
      ? [
          reason(
            'failing-for-viewers',
            `${percent(failureShare)} of viewers' recent reports tell of failures here.`,
          ),
        ]
      : []),
    ...(shaky ? [reason('shaky', 'Its last probe failed; one more, and it is left out.')] : []),
  ];
}

const reason = (code: Reason['code'], text: string): Reason => ({ code, text });
/** As `toLocaleString('en-US')`, which takes most of the time of an answer. */
const formatCount = (count: number): string =>
  count < 1_000 ? String(count) : String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
const megabits = (bps: number): string => {
  const mbit = bps / 1e6;
  return `${formatCount(mbit < 10 ? Math.round(mbit * 10) / 10 : Math.round(mbit))} Mbit/s`;
};
const percent = (share: number): string => `${Math.round(share * 100)} %`;
