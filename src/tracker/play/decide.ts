/** From a question about a video to a ranking: where the pure choice meets what the tracker knows. */
import { type Problem, problem } from '../../kernel/problem.ts';
import type { SiteId, VideoId } from '../../protocol/ids.ts';
import { tokenPath } from '../../protocol/media/media-address.ts';
import type { PlayResponse } from '../../protocol/tracker.ts';
import { choose, type Holding, type Pick, type Question, rank, type World } from '../choice/choose.ts';
import { exploring, findExploration } from '../choice/explore.ts';
import { hashText } from '../choice/sites.ts';
import type { Asker } from '../client/viewers.ts';
import type { NetworkMemory } from '../memory/network-memory.ts';
import type { RegisteredVideo, Registry } from '../registry/registry.ts';
import type { LiveWorld } from './ranking-state.ts';
import type { Access, TrackerRights } from '../client/private-access.ts';

/** Sites offered to one viewer: enough to fail over, few enough for a playlist. */
export const MAX_OFFERED_SITES = 8;
/** What nothing is known of: a viewer draws about this much. */
const USUAL_BITRATE_BPS = 4_000_000;

/** A decision, and all that is needed to put it into words. */
export interface Decision {
  readonly world: World;
  readonly question: Question;
  /** Offered sites, best first. */
  readonly picks: readonly Pick[];
  /** The first of them stands there to find out whether it has become better. */
  readonly isExploring?: boolean;
  /** Of a private video, to whoever has a right to it: what opens the sites. */
  readonly access?: Access | undefined;
}

export interface Place {
  readonly site: SiteId;
  readonly baseUrl: string;
  /** What stands before `/v/…`: the base URL, and of a private video the token for this site. */
  readonly mediaUrl: string;
}

export interface Answers {
  /**
   * The sites for a viewer who begins, best first.
   * @throws Problem 404 `video-unknown`, 410 `video-withdrawn`, 503 `no-source`.
   */
  play(id: VideoId, asker: Asker, luck?: number): Decision & { readonly video: RegisteredVideo };
  /**
   * These sites in the order of now, for a player that is playing: a video that is not known here is ranked as one that
   * nobody holds, because an error would cost the player its steering. @throws Problem 410 `video-withdrawn`.
   */
  steer(id: VideoId, asker: Asker, sites: readonly SiteId[]): Decision;
  /** The question as it is decided, for an explanation. @throws Problem 404 `video-unknown`, 410 `video-withdrawn`. */
  explain(id: VideoId, asker: Asker): Omit<Decision, 'picks'>;
  /** The offered sites and where they are, best first, without a word on why. */
  places(decision: Decision): readonly [Place, ...Place[]];
  /** The offered sites' media URLs (`Place`) for a question that the video's holders answer best: who published it first. */
  askOrder(video: RegisteredVideo, decision: Decision): readonly string[];
  /** The site that made the video's bytes, and the key that they are signed with. */
  origin(video: RegisteredVideo): NonNullable<PlayResponse['origin']>;
  /** The viewer will be served by this site. */
  noteSent(decision: Decision, site: SiteId): void;
}

export interface AnswerMeans {
  readonly registry: Registry;
  readonly world: LiveWorld;
  readonly memory: NetworkMemory;
  /** Sites that have some of a video buffered. */
  readonly partialHolders: (id: VideoId) => readonly SiteId[];
  readonly rights: TrackerRights;
  /** This video is watched, and these sites hold it. */
  readonly onPlayed: (video: RegisteredVideo, holders: readonly SiteId[]) => void;
  /** Says why nothing can be told of a video yet: before the feed was read, "unknown" would be said of all. */
  readonly missing: () => string | undefined;
}

/** What is known by number, for one table of sites: each place of the registry in it (−1: not there), and each site as it is told. */
interface Known {
  readonly table: World['table'];
  readonly indexes: Int32Array;
  readonly places: readonly Place[];
}

export function createAnswers(means: AnswerMeans): Answers {
  const { registry, world: live, memory } = means;

  function ask(
    id: VideoId,
    asker: Asker,
    world: World,
    holders: readonly number[],
    bitrateBps: number,
    among?: readonly number[],
  ): Question {
    const nowMs = Date.now();
    return {
      viewer: asker.viewer,
      holding: holding(world, id, holders),
      bitrateBps,
      hash: hashText(id),
      network: memory.network(asker.where, asker.who, world.table, nowMs, among),
      priors: live.priors(asker.place),
    };
  }

  let known: Known | undefined;
  function knownOf({ table }: World, least: number): Known {
    if (known?.table === table && known.indexes.length >= least) return known;
    known = {
      table,
      indexes: Int32Array.from(
        { length: registry.placeCount },
        (_, place) => table.indexOf.get(registry.siteAt(place)) ?? -1,
      ),
      places: table.facts.map(({ id }) => {
        const baseUrl = registry.findSite(id)?.baseUrl ?? '';
        return { site: id, baseUrl, mediaUrl: baseUrl };
      }),
    };
    return known;
  }

  function holding(world: World, id: VideoId, holders: readonly number[]): Holding {
    const full: number[] = [];
    for (const holder of holders) {
      const index = knownOf(world, holder + 1).indexes[holder] as number;
      if (index >= 0) full.push(index);
    }
    return { full, partial: indexesOf(world, means.partialHolders(id)) };
  }

  function open(id: VideoId, asker: Asker) {
    const found = registry.find(id);
    if (found.kind === 'unknown') {
      const reason = means.missing();
      if (reason !== undefined) throw noSource(reason);
      throw unknown();
    }
    if (found.kind === 'withdrawn') throw withdrawn();
    // Of what is private nobody is told that it exists.
    const access = found.video.isPrivate ? means.rights.open(id, asker.shown ?? {}) : undefined;
    if (found.video.isPrivate && !access) throw unknown();
    const world = live.now();
    const question = ask(id, asker, world, found.holders, found.video.bitrateBps);
    return { video: found.video, world, question, access };
  }

  /** A player that plays is not told why it has no right any more: the sites do that. */
  function mayKnow(id: VideoId, asker: Asker): boolean {
    try {
      return means.rights.open(id, asker.shown ?? {}) !== undefined;
    } catch {
      return false;
    }
  }

  return {
    play(id, asker, luck = 1) {
      const { video, world, question, access } = open(id, asker);
      const picks = choose(world, question, MAX_OFFERED_SITES);
      if (picks.length === 0) throw noSource('No site can serve this video now. Try again in a moment.');
      const tried = findExploration(picks, question, luck);
      if (!access) {
        means.onPlayed(
          video,
          question.holding.full.map(index => world.table.facts[index]?.id ?? video.site),
        );
      }
      const isExploring = tried !== undefined;
      return { video, world, question, picks: exploring(picks, tried), isExploring, access };
    },
    explain: (id, asker) => open(id, { ...asker, shown: { isOperator: true } }),
    steer(id, asker, sites) {
      const found = registry.find(id);
      if (found.kind === 'withdrawn') throw withdrawn();
      const world = live.now();
      const [holders, bitrateBps] =
        found.kind === 'known' && (!found.video.isPrivate || mayKnow(id, asker))
          ? [found.holders, found.video.bitrateBps]
          : [[], USUAL_BITRATE_BPS];
      const indexes = indexesOf(world, sites);
      const question = ask(id, asker, world, holders, bitrateBps, indexes);
      return { world, question, picks: rank(world, question, indexes) };
    },
    places(decision) {
      const [first, ...others] = decision.picks.map(pick => placeOf(decision, pick));
      if (!first) throw noSource('No site can serve this video now. Try again in a moment.');
      return [first, ...others];
    },
    askOrder({ site }, decision) {
      const { world, question, picks } = decision;
      const full = new Set(question.holding.full);
      const rankOf = ({ index }: Pick): number =>
        world.table.facts[index]?.id === site ? 0 : full.has(index) ? 1 : 2;
      const order = [...picks].sort((a, b) => rankOf(a) - rankOf(b));
      return order.map(pick => placeOf(decision, pick).mediaUrl);
    },
    origin({ site }) {
      const publicKey = registry.findSite(site)?.publicKey;
      return { site, ...(publicKey === undefined ? {} : { publicKey }) };
    },
    noteSent({ world, question }, site) {
      const index = world.table.indexOf.get(site);
      if (index !== undefined) world.states.noteSent(index, question.bitrateBps, Date.now());
    },
  };

  function placeOf({ world, access }: Decision, { index }: Pick): Place {
    const place = knownOf(world, 0).places[index] as Place;
    return access ? { ...place, mediaUrl: place.baseUrl + tokenPath(access.tokenFor(place.site)) } : place;
  }
}

export const indexesOf = ({ table }: World, sites: Iterable<SiteId>): number[] => {
  const indexes: number[] = [];
  for (const site of sites) {
    const index = table.indexOf.get(site);
    if (index !== undefined) indexes.push(index);
  }
  return indexes;
};

const unknown = (): Problem => problem('video-unknown', 'No video of this id is registered here.');
export const withdrawn = (): Problem => problem('video-withdrawn', 'This video was withdrawn.');
const noSource = (detail: string): Problem =>
  problem('no-source', detail, { headers: { 'retry-after': '2' } });
