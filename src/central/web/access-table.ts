/** Who may make which call of central. `test/access` derives the matrix of roles and calls from this table. */
import type { AccessTable } from '../../kernel/access/access.ts';

const everywhere = (
  permission: 'manage-site' | 'manage-copies' | 'manage-people' | 'read-audit' | 'edit-any' | 'everything',
) => ({ permission, on: 'everything' }) as const;
const ofSite = (permission: 'manage-site' | 'manage-people') => ({ permission, on: 'site' }) as const;
const ofObject = (
  permission: 'grant-links' | 'manage-people' | 'watch-internal' | 'see-jobs' | 'manage-site' | 'edit-any',
) => ({ permission, on: 'object' }) as const;

export const CENTRAL_ACCESS: AccessTable = {
  // Pages
  'GET /': 'open',
  'GET /watch/:video': 'open',
  'GET /admin': 'open',
  'GET /admin/explain': 'open',
  'GET /admin/people': 'open',
  'GET /admin/audit': 'open',
  'GET /account': 'open',
  'GET /sign-in': 'open',
  'GET /invitation': 'open',
  'GET /*': 'open',
  'GET /assets/*': 'open',
  'GET /api/info': 'open',

  // Signing in
  'GET /api/sign-in': 'open',
  'POST /api/sign-in': 'open',
  'POST /api/sign-in/demo': 'open',
  'POST /api/sign-in/link': 'open',
  'POST /api/sign-in/link/inspect': 'open',
  'GET /sign-in/provider/:provider': 'open',
  'GET /sign-in/return': 'open',
  'GET /sign-in/site': 'open',
  'POST /api/sign-out': 'open',
  'GET /api/me': 'anyone',

  // Catalogue
  'GET /api/videos': 'anyone',
  'GET /api/videos/:id': 'anyone',
  'POST /api/videos/:id/viewing': 'anyone',
  'GET /api/videos/:id/poster.jpg': 'anyone',
  'GET /api/series': 'anyone',
  'GET /api/series/:id': 'anyone',
  'POST /api/series': everywhere('edit-any'),
  'PATCH /api/series/:id': ofObject('edit-any'),
  'DELETE /api/series/:id': everywhere('edit-any'),
  'GET /api/fields': 'open',
  'GET /api/videos/:id/storyboard.vtt': 'anyone',

  // People: the handlers compare the roles of both people
  'GET /api/people': ofObject('manage-people'),
  'POST /api/people': ofObject('manage-people'),
  'GET /api/people/:id': 'signed-in',
  'PATCH /api/people/:id': ofObject('manage-people'),
  'POST /api/people/:id/links': ofObject('manage-people'),
  'POST /api/people/:id/password': 'signed-in',
  'GET /api/people/:id/tokens': 'signed-in',
  'POST /api/people/:id/tokens': 'signed-in',
  'DELETE /api/people/:id/tokens/:token': 'signed-in',
  'GET /api/people/:id/sessions': 'signed-in',
  'DELETE /api/people/:id/sessions': 'signed-in',
  'DELETE /api/people/:id/sessions/:session': 'signed-in',
  'GET /api/groups': ofObject('manage-people'),
  'GET /api/group-names': 'signed-in',
  'POST /api/groups': everywhere('manage-people'),
  'PATCH /api/groups/:id': ofObject('manage-people'),
  'DELETE /api/groups/:id': everywhere('manage-people'),
  'PUT /api/groups/:id/members/:person': everywhere('manage-people'),
  'DELETE /api/groups/:id/members/:person': everywhere('manage-people'),
  'GET /api/sites/:id/roles': ofSite('manage-people'),

  // Audit
  'GET /api/audit': everywhere('read-audit'),

  // Links to private videos
  'POST /api/videos/:id/grants': ofObject('grant-links'),
  'GET /api/videos/:id/grants': ofObject('grant-links'),
  'DELETE /api/videos/:id/grants/:grant': ofObject('grant-links'),
  'DELETE /api/videos/:id/grants': ofObject('grant-links'),
  'POST /api/rights/rotate': everywhere('everything'),

  // Sites, trackers and copies
  'GET /api/sites': 'anyone',
  'POST /api/sites': everywhere('manage-site'),
  'PATCH /api/sites/:id': ofSite('manage-site'),
  'DELETE /api/sites/:id': everywhere('manage-site'),
  'POST /api/sites/:id/join-token': ofSite('manage-site'),
  'POST /api/sites/:id/collect': ofSite('manage-site'),
  'POST /api/sites/:id/lost': everywhere('manage-site'),
  'GET /api/trackers': everywhere('manage-site'),
  'POST /api/trackers': everywhere('manage-site'),
  'DELETE /api/trackers/:id': everywhere('manage-site'),
  'POST /api/trackers/:id/join-token': everywhere('manage-site'),
  'GET /api/copies': everywhere('manage-copies'),
  'GET /api/placement-rules': everywhere('manage-copies'),
  'POST /api/placement-rules': everywhere('manage-copies'),
  'DELETE /api/placement-rules/:id': everywhere('manage-copies'),
  'POST /api/placement-rules/:id/restore': everywhere('manage-copies'),
  'POST /api/placement-rules/preview': everywhere('manage-copies'),
  'GET /api/signals': everywhere('manage-site'),
  'GET /api/withdrawals': everywhere('manage-site'),
  'GET /api/explain/:id': everywhere('manage-site'),
  'POST /api/dry-run': everywhere('manage-site'),

  // Members
  'POST /api/join': 'member',
  'GET /api/member': 'member',
  'POST /api/signals': 'member',
  'POST /api/refusals': 'member',
  'POST /api/link/requests': 'member',
  'POST /api/link/responses/:id': 'member',
  'POST /api/peer-measurements': 'member',
  'POST /api/storage-reports': 'member',
  'GET /api/assignments': 'member',
  'GET /api/withdrawals/feed': 'member',
  'GET /api/rights': 'member',
  'POST /api/handshakes': 'member',
  'POST /api/handshakes/held': 'member',
  'POST /api/handshakes/records': 'member',
  'GET /api/changes': 'member',
  'POST /api/registrations/query': 'member',
  'POST /api/site-states': 'member',
  'POST /api/plays': 'member',
  'POST /api/statements/code': 'member',
  'POST /api/statements/token': 'member',
  'POST /api/statements/refresh': 'member',
  'POST /api/statements/end': 'member',
  'POST /api/people/lookup': 'member',
  'GET /api/groups/names': 'member',
  'POST /api/audit-events': 'member',
};
