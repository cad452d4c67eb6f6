/** Who may make which call of a tracker. `test/access` derives the matrix of roles and calls from this table. */
import type { AccessTable } from '../../kernel/access/access.ts';

export const TRACKER_ACCESS: AccessTable = {
  // Players: private videos need a grant
  'GET /play/:file': 'open',
  'GET /steer/:id': 'open',
  'GET /go/:id': 'open',
  'GET /download/:id': 'open',
  'GET /go/:id/poster.jpg': 'open',
  'GET /go/:id/storyboard.vtt': 'open',
  'GET /relay/:file': 'open',
  'GET /relay/:id/:revision/:rendition/:file': 'open',
  'GET /nearest': 'open',
  'POST /cmcd/:session': 'open',
  'POST /beacon/:session': 'open',
  'GET /status': 'open',

  // Operators; central signs the same calls for them
  'GET /explain/:id': { permission: 'manage-site', on: 'everything', orSigned: true },
  'POST /dry-run': { permission: 'manage-site', on: 'everything', orSigned: true },

  // Sites
  'POST /reports': 'member',
};
