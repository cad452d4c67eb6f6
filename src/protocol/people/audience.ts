/**
 * Who may watch a video. Every audience except `public` is handled by sites and trackers as a private video: they serve it only
 * with a token (docs/private-videos.md). Central, or a tracker for house networks, issues the grant.
 */
import * as z from 'zod';

/**
 * `public`: everyone. `internal`: people who are signed in and may watch internal videos, and viewers in a house network.
 * `groups`: the members of the named groups. `private`: viewers with a link.
 */
export const audienceSchema = z.enum(['public', 'internal', 'groups', 'private']);
export type Audience = z.infer<typeof audienceSchema>;

export const MAX_GROUPS_PER_VIDEO = 50;
export const groupIdSchema = z.uuid();
/** The ids of the groups that may watch a video whose audience is `groups`. */
export const videoGroupsSchema = z.array(groupIdSchema).min(1).max(MAX_GROUPS_PER_VIDEO);

/** The audience as a record says it. */
export interface RecordedAudience {
  readonly visibility?: 'private' | undefined;
  readonly audience?: Audience | undefined;
  readonly groups?: readonly string[] | undefined;
}

/** A record that names an audience is never public, whatever its visibility says. */
export const audienceOf = ({ visibility, audience }: RecordedAudience): Audience =>
  audience ?? visibility ?? 'public';

/** What a person chooses: an audience, or the alias `visibility`. Undefined members: no choice. */
export interface AudienceChoice {
  readonly audience?: Audience | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly visibility?: 'public' | 'private' | undefined;
}

/** Why the members of a choice contradict each other; undefined if they do not. */
export function findContradiction({ audience, groups = [], visibility }: AudienceChoice): string | undefined {
  if (
    audience !== undefined &&
    visibility !== undefined &&
    (audience === 'public') !== (visibility === 'public')
  )
    return `The fields "visibility" (${visibility}) and "audience" (${audience}) contradict each other. Send only "audience".`;
  if (audience === 'groups' && groups.length === 0)
    return 'The audience "groups" needs at least one group. Send the ids of groups in "groups".';
  if (audience !== 'groups' && groups.length > 0)
    return 'The field "groups" is only for the audience "groups". Set "audience" to "groups", or omit "groups".';
  return undefined;
}

/** The audience that a choice without contradictions names; undefined if it names none. */
export const chosenAudience = ({ audience, visibility }: AudienceChoice): Audience | undefined =>
  audience ?? visibility;

const WIDTHS: Readonly<Record<Audience, number>> = { private: 0, groups: 1, internal: 2, public: 3 };
export interface AudienceOfVideo {
  readonly audience: Audience;
  readonly groups: readonly string[];
}
/** True if someone may watch the video `after` who might not have watched it `before`, not counting links. */
export const isWidened = (before: AudienceOfVideo, after: AudienceOfVideo): boolean =>
  WIDTHS[after.audience] > WIDTHS[before.audience] ||
  (after.audience === 'groups' &&
    before.audience === 'groups' &&
    after.groups.some(group => !before.groups.includes(group)));
