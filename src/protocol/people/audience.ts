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
