/** Why a viewer may find videos, as conditions of queries. Together they accept the videos that `mayWatch` accepts. */
import type { SiteId } from '../../protocol/base/ids.ts';
import type { Scope, SeriesId } from '../../protocol/people/permissions.ts';
import type { Viewer } from '../../protocol/people/viewing.ts';

/** All conditions must hold. Without any, the viewer may find every video. */
export interface VideoAccess {
  readonly audience?: 'public' | 'internal';
  readonly site?: SiteId;
  readonly series?: SeriesId;
  readonly owner?: string;
  readonly group?: string;
}

/** One of these must hold. */
export function listAccess(viewer: Viewer): VideoAccess[] {
  const found = new Map<string, VideoAccess>();
  const add = (access: VideoAccess): void => void found.set(JSON.stringify(access), access);
  add({ audience: 'public' });
  for (const { permission, scope } of viewer.permissions) {
    if (permission === 'everything' || permission === 'edit-any') add(within(scope));
    if (permission === 'watch-internal') add({ audience: 'internal', ...within(scope) });
    if (permission === 'edit-own' && viewer.person) add({ owner: viewer.person.id, ...within(scope) });
  }
  for (const group of viewer.groups) add({ group });
  return found.has('{}') ? [{}] : [...found.values()];
}

const within = (scope: Scope): VideoAccess => (scope === 'everything' ? {} : scope);
