/**
 * Who may make which call of a site. Uploads are handled before the framework; `POST /api/uploads` stands for them. `test/access`
 * derives the matrix of roles and calls from this table.
 */
import type { AccessTable } from '../../kernel/access/access.ts';

export const SITE_ACCESS: AccessTable = {
  // Pages
  'GET /': 'open',
  'GET /library': 'open',
  'GET /library/search': 'open',
  'GET /library/series/:id': 'open',
  'GET /library/person': 'open',
  'GET /library/watch/:video': 'open',
  'GET /*': 'open',
  'GET /assets/*': 'open',
  'GET /sign-in': 'open',
  'GET /sign-in/return': 'open',
  'GET /sign-in/failed': 'open',
  'POST /api/sign-out': 'open',
  'GET /api/me': 'anyone',

  // Everyone; more for those who may manage the site
  'GET /api/site': 'anyone',
  'GET /api/library': 'anyone',
  'GET /api/facets': 'anyone',
  'GET /api/suggestions': 'anyone',
  'GET /api/series': 'anyone',
  'GET /api/series/:id': 'anyone',
  'GET /api/fields': 'anyone',
  'GET /sample': 'open',
  'GET /probe': 'open',

  // The studio: an author sees and changes their own videos
  'POST /api/uploads': { permission: 'upload', on: 'object' },
  'GET /api/videos': { permission: 'edit', on: 'object' },
  'GET /api/video-ids': { permission: 'edit', on: 'object' },
  'GET /api/changes': { permission: 'edit', on: 'object' },
  'POST /api/video-edits': { permission: 'edit', on: 'object' },
  'GET /api/videos/:id': { permission: 'edit', on: 'object' },
  'PATCH /api/videos/:id': { permission: 'edit', on: 'object' },
  'DELETE /api/videos/:id': { permission: 'withdraw', on: 'object' },
  'POST /api/videos/:id/publish': { permission: 'publish', on: 'object' },
  'POST /api/videos/:id/send-back': { permission: 'publish', on: 'object' },
  'POST /api/videos/:id/submit': { permission: 'edit', on: 'object' },
  'GET /api/videos/:id/captions': { permission: 'edit', on: 'object' },
  'POST /api/videos/:id/trim': { permission: 'edit', on: 'object' },
  'POST /api/videos/:id/captions': { permission: 'edit', on: 'object' },
  'GET /api/videos/:id/captions/:captions': { permission: 'edit', on: 'object' },
  'PUT /api/videos/:id/captions/:captions': { permission: 'edit', on: 'object' },
  'PATCH /api/videos/:id/captions/:captions': { permission: 'edit', on: 'object' },
  'POST /api/videos/:id/captions/create': { permission: 'edit', on: 'object' },
  'POST /api/videos/:id/captions/:captions/publish': { permission: 'edit', on: 'object' },
  'DELETE /api/videos/:id/captions/:captions': { permission: 'edit', on: 'object' },
  'GET /api/group-names': { permission: 'upload', on: 'object' },
  'POST /api/people/lookup': { permission: 'edit', on: 'object' },
  'GET /api/jobs': { permission: 'edit', on: 'object' },
  'PATCH /api/jobs/:id': { permission: 'manage-site', on: 'site' },
  'POST /api/jobs/:id/cancel': { permission: 'edit', on: 'object' },
  'POST /api/jobs/:id/retry': { permission: 'edit', on: 'object' },

  // Central and the parts of this site
  'GET /gateway/records': 'member',
  'POST /gateway/published': 'member',
  'GET /gateway/digest': 'member',
  'GET /gateway/captions': 'member',
  'GET /parts/rights': 'part',
  'GET /parts/upstreams/:video': 'part',
  'POST /parts/watches': 'part',
};
