/** Decides which sites serve a request: connects the pure choice with the registry, the memory and the site states. */
import { type Problem, problem } from '../../kernel/problem.ts';
import type { SiteId, VideoId } from '../../protocol/base/ids.ts';
import { tokenPath } from '../../protocol/media/media-address.ts';
import type { PlayResponse } from '../../protocol/tracker.ts';
import {
  choose,
  type Decision,
  type Holding,
  type Question,
  type RankedSite,
  type RankingState,
  rank,
} from '../choice/choose.ts';
import { findExploration, withExploration } from '../choice/explore.ts';
import { hashText, indexesOf } from '../choice/sites.ts';
import type { Client, ClientRequest } from '../client/client.ts';
import type { Access, PrivateAccess } from '../client/private-access.ts';
import type { NetworkMemory } from '../memory/network-memory.ts';
import type { RegisteredVideo, Registry } from '../registry/registry.ts';
import type { LiveRankingState } from './ranking-state.ts';

/** Number of sites in a response: enough for failover, few enough for a playlist. */
const MAX_OFFERED_SITES = 8;
/** Assumed bitrate of an unknown video. */
const DEFAULT_BITRATE_BPS = 4_000_000;

export interface PlayDecision extends Decision {
  readonly video: RegisteredVideo;
  /** The first site is offered to find out whether it has improved. */
  readonly isExploring: boolean;
  /** Only for a private video. */
  readonly access: Access | undefined;
}

export interface SteeringDecision extends Decision {
  /** The video exists, and the client may watch it. */
  readonly isKnown: boolean;
}

/** A site that is offered. */
export interface OfferedSite {
  readonly site: SiteId;
  readonly baseUrl: string;
  /** The prefix of `/v/…`: the base URL, followed by the site's token if the video is private. */
  readonly mediaUrl: string;
}

type Requester = Pick<ClientRequest, 'client' | 'credentials'>;

/** No method has side effects, except those whose name begins with `record`. */
export interface Decider {
  /**
   * The sites for a client that starts a video, best first.
   *
   * @throws Problem 404 `video-unknown`, 410 `video-withdrawn`, 503 `no-source`
   */
  play(video: VideoId, requester: Requester, sessionRandom?: number): PlayDecision;
  /**
   * Ranks these sites for a client that plays a video. An unknown video is ranked as one without holders, because with an error the
   * player would lose its steering.
   *
   * @throws Problem 410 `video-withdrawn`
   */
  steer(video: VideoId, requester: Requester, sites: readonly SiteId[]): SteeringDecision;
  /** The question of a decision, for an explanation. @throws Problem 404 `video-unknown`, 410 `video-withdrawn` */
  explain(video: VideoId, client: Client): Omit<Decision, 'picks'>;
  /** The offered sites with their URLs, best first. @throws Problem 503 `no-source` */
  sites(decision: PlayDecision): readonly [OfferedSite, ...OfferedSite[]];
  /**
   * The sites that hold all files of the video, best first.
   *
   * @throws Problem 503 `no-source`
   */
  holders(decision: PlayDecision): readonly [OfferedSite, ...OfferedSite[]];
  /** Media URLs of the sites to ask about the video itself: its origin first, then other holders, then the rest. */
  urlsByAuthority(decision: PlayDecision): readonly string[];
  /** The site that created the video's bytes, and the key that signs them. */
  origin(video: RegisteredVideo): NonNullable<PlayResponse['origin']>;
  /** Records that a video is played. */
  recordPlayed(decision: PlayDecision): void;
  /** Records that this site was assigned to a viewer. */
  recordAssignment(decision: Decision, site: SiteId): void;
}

export interface DeciderDeps {
  readonly registry: Registry;
  readonly rankingState: LiveRankingState;
  readonly memory: NetworkMemory;
  /** Sites with a part of a video in their buffers. */
  readonly partialHolders: (video: VideoId) => readonly SiteId[];
  readonly privateAccess: PrivateAccess;
  /** A public video is played, and these sites hold it. */
  readonly onPlayed: (video: RegisteredVideo, holders: readonly SiteId[]) => void;
  /** A sentence while the feed has not been read: until then no video can be called unknown. */
  readonly notReadyReason: () => string | undefined;
}

/** Lookups by number for one site table: the table index of each registered site (−1: none), and the URLs of each site. */
interface SiteLookup {
  readonly table: RankingState['table'];
  readonly indexes: Int32Array;
  readonly offered: readonly OfferedSite[];
}

export function createDecider(deps: DeciderDeps): Decider {
  const { registry } = deps;
  const lookupOf = createSiteLookup(registry);
  const makeQuestion = createQuestionMaker(deps, lookupOf);

  function open(id: VideoId, { client, credentials }: Requester) {
    const found = registry.find(id);
    if (found.kind === 'unknown') {
      const reason = deps.notReadyReason();
      if (reason !== undefined) throw noSource(reason);
      // As for a private video, so that the two cannot be distinguished.
      const { grant, isInHouseNetwork } = credentials;
      if (grant !== undefined) deps.privateAccess.open(id, { grant });
      else isInHouseNetwork?.();
      throw unknown();
    }
    if (found.kind === 'withdrawn') throw withdrawn();
    const { video, holders } = found;
    const { isPrivate } = video;
    // The existence of a private video must not be revealed.
    const access = isPrivate ? deps.privateAccess.open(id, credentials, video.isInternal) : undefined;
    if (isPrivate && !access) throw unknown();
    const state = deps.rankingState.now();
    const question = makeQuestion(state, client, { video: id, holders, bitrateBps: video.bitrateBps });
    return { video, state, question, access };
  }

  function offeredSiteOf({ state, access }: PlayDecision, { index }: RankedSite): OfferedSite {
    const offered = lookupOf(state, 0).offered[index] as OfferedSite;
    return access
      ? { ...offered, mediaUrl: offered.baseUrl + tokenPath(access.tokenFor(offered.site)) }
      : offered;
  }

  return {
    play(id, requester, sessionRandom = 1) {
      const { video, state, question, access } = open(id, requester);
      const picks = choose(state, question, MAX_OFFERED_SITES);
      if (picks.length === 0) throw noSource('No site can serve this video now. Try again in a moment.');
      const explored = findExploration(picks, question, sessionRandom);
      const isExploring = explored !== undefined;
      return { video, state, question, picks: withExploration(picks, explored), isExploring, access };
    },
    explain(id, client) {
      const { state, question } = open(id, { client, credentials: { isOperator: true } });
      return { state, question };
    },
    steer(id, requester, sites) {
      const found = registry.find(id);
      if (found.kind === 'withdrawn') throw withdrawn();
      const state = deps.rankingState.now();
      const isKnown =
        found.kind === 'known' && (!found.video.isPrivate || hasAccess(deps, found.video, requester));
      const indexes = indexesOf(state.table, sites);
      const question = makeQuestion(
        state,
        requester.client,
        isKnown
          ? { video: id, holders: found.holders, bitrateBps: found.video.bitrateBps }
          : { video: id, holders: [], bitrateBps: DEFAULT_BITRATE_BPS },
        indexes,
      );
      return { state, question, picks: rank(state, question, indexes), isKnown };
    },
    sites(decision) {
      const picks = decision.picks.map(pick => offeredSiteOf(decision, pick));
      return requireOne(picks, 'No site can serve this video now. Try again in a moment.');
    },
    holders(decision) {
      const picks = listHolders(decision).map(pick => offeredSiteOf(decision, pick));
      return requireOne(picks, 'No site that holds this video can be reached now. Try again in a moment.');
    },
    urlsByAuthority(decision) {
      const { state, question, picks, video } = decision;
      const full = new Set(question.holding.full);
      const rankOf = ({ index }: RankedSite): number =>
        state.table.facts[index]?.id === video.site ? 0 : full.has(index) ? 1 : 2;
      const order = [...picks].sort((a, b) => rankOf(a) - rankOf(b));
      return order.map(pick => offeredSiteOf(decision, pick).mediaUrl);
    },
    origin({ site }) {
      const publicKey = registry.findSite(site)?.publicKey;
      return { site, ...(publicKey === undefined ? {} : { publicKey }) };
    },
    recordPlayed({ video, state, question, access }) {
      if (access) return;
      const { facts } = state.table;
      deps.onPlayed(
        video,
        question.holding.full.map(index => facts[index]?.id ?? video.site),
      );
    },
    recordAssignment({ state, question }, site) {
      const index = state.table.indexOf.get(site);
      if (index !== undefined) state.states.recordAssignment(index, question.bitrateBps, Date.now());
    },
  };
}

/** The picks that hold all files of the video. */
function listHolders({ picks, question }: PlayDecision): readonly RankedSite[] {
  const full = new Set(question.holding.full);
  return picks.filter(({ index }) => full.has(index));
}

function requireOne(sites: readonly OfferedSite[], detail: string): readonly [OfferedSite, ...OfferedSite[]] {
  const [first, ...others] = sites;
  if (!first) throw noSource(detail);
  return [first, ...others];
}

/** Creates the function that collects the input of a decision about one video. */
function createQuestionMaker(
  { memory, rankingState, partialHolders }: DeciderDeps,
  lookupOf: ReturnType<typeof createSiteLookup>,
) {
  function holdingOf(state: RankingState, video: VideoId, holders: readonly number[]): Holding {
    const full: number[] = [];
    for (const holder of holders) {
      const index = lookupOf(state, holder + 1).indexes[holder] as number;
      if (index >= 0) full.push(index);
    }
    return { full, partial: indexesOf(state.table, partialHolders(video)) };
  }

  return function makeQuestion(
    state: RankingState,
    client: Client,
    wanted: { readonly video: VideoId; readonly holders: readonly number[]; readonly bitrateBps: number },
    among?: readonly number[],
  ): Question {
    return {
      client,
      holding: holdingOf(state, wanted.video, wanted.holders),
      bitrateBps: wanted.bitrateBps,
      hash: hashText(wanted.video),
      network: memory.estimatesFor(client, state.table, Date.now(), among),
      priors: rankingState.priors(client),
    };
  };
}

/** Expired credentials of a playing client are no error here: the sites reject them. */
function hasAccess(
  { privateAccess }: DeciderDeps,
  { video, isInternal }: RegisteredVideo,
  { credentials }: Requester,
): boolean {
  try {
    return privateAccess.open(video, credentials, isInternal) !== undefined;
  } catch {
    return false;
  }
}

/** Caches the lookups of the current site table. */
function createSiteLookup(registry: Registry): (state: RankingState, minSites: number) => SiteLookup {
  let cached: SiteLookup | undefined;
  return ({ table }, minSites) => {
    if (cached?.table === table && cached.indexes.length >= minSites) return cached;
    cached = {
      table,
      indexes: Int32Array.from(
        { length: registry.siteCount },
        (_, number) => table.indexOf.get(registry.siteByNumber(number)) ?? -1,
      ),
      offered: table.facts.map(({ id }) => {
        const baseUrl = registry.findSite(id)?.baseUrl ?? '';
        return { site: id, baseUrl, mediaUrl: baseUrl };
      }),
    };
    return cached;
  };
}

const unknown = (): Problem => problem('video-unknown', 'No video with this id is registered here.');
const withdrawn = (): Problem => problem('video-withdrawn', 'This video was withdrawn.');
const noSource = (detail: string): Problem =>
  problem('no-source', detail, { headers: { 'retry-after': '2' } });
