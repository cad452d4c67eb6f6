/** All calls and pages of central, registered on its HTTP server. */
import { existsSync } from 'node:fs';
import { enforceAccess } from '../../kernel/access/access.ts';
import { servePages } from '../../kernel/http/pages.ts';
import type { HttpServer } from '../../kernel/http/server.ts';
import type { CentralDatabase } from '../database/schema.ts';
import { listJoined } from '../database/sites.ts';
import { CENTRAL_ACCESS } from './access-table.ts';
import { addAuditCalls } from './admin/audit.ts';
import { addCopyCalls } from './admin/copies.ts';
import { addExplanationCalls } from './admin/explanations.ts';
import { addGrantCalls } from './admin/grants.ts';
import { addPlacementRuleCalls } from './admin/placement-rules.ts';
import { addSiteCalls } from './admin/sites.ts';
import { addTrackerCalls } from './admin/trackers.ts';
import { addFieldCalls } from './catalogue/fields.ts';
import { addSearchCalls } from './catalogue/search.ts';
import { addSeriesCalls } from './catalogue/series.ts';
import { addSeriesImageCalls } from './catalogue/series-images.ts';
import { type CentralContext, rejectForeignOrigin } from './context/context.ts';
import { addEmbeddingCall, findFramingOrigins } from './embedding.ts';
import { addInfoCall } from './info.ts';
import { addMachineCalls } from './machines/calls.ts';
import { createHeadOf } from './machines/page-heads.ts';
import { addAssignmentCalls } from './members/assignments.ts';
import { addAuditEventCalls } from './members/audit-events.ts';
import { addChangeCalls } from './members/changes.ts';
import { addHandshakeCalls } from './members/handshakes.ts';
import { addJoinCalls } from './members/join.ts';
import { addLinkCalls } from './members/links.ts';
import { addListCalls } from './members/lists.ts';
import { addPeerMeasurementCalls } from './members/peer-measurements.ts';
import { addPlayCalls } from './members/plays.ts';
import { addRightsCalls } from './members/rights.ts';
import { addSignalCalls } from './members/signals.ts';
import { addStatementCalls } from './members/statements.ts';
import { addStorageReportCalls } from './members/storage-reports.ts';
import { addWithdrawalCalls } from './members/withdrawals.ts';
import { addApiTokenCalls } from './people/api-tokens.ts';
import { addGroupCalls } from './people/groups.ts';
import { addMeCalls } from './people/me.ts';
import { addPeopleCalls } from './people/people.ts';
import { addProviderSignIn } from './people/provider-sign-in.ts';
import { auditRefusals } from './people/refusals.ts';
import { addSessionCalls } from './people/sessions.ts';
import { addSignInCalls } from './people/sign-in.ts';
import { addSiteSignIn } from './people/site-sign-in.ts';
import { addVideoCalls } from './videos.ts';
import { addViewingCalls } from './viewing.ts';

/** A longer list of origins in the content security policy would exceed common header limits; then only schemes are listed. */
const MAX_POLICY_CHARACTERS = 2_000;

export function addCalls(app: HttpServer, context: CentralContext): void {
  app.addHook('onRequest', async request => rejectForeignOrigin(request));
  enforceAccess(app, CENTRAL_ACCESS, context.guard);
  // Everyone
  addInfoCall(app, context);
  addVideoCalls(app, context);
  addViewingCalls(app, context);
  addMachineCalls(app, context);
  addEmbeddingCall(app, context);
  addSeriesCalls(app, context);
  addSearchCalls(app, context);
  addSeriesImageCalls(app, context);
  addFieldCalls(app, context);
  // People
  auditRefusals(app, context);
  addMeCalls(app, context);
  addSiteSignIn(app, context);
  addProviderSignIn(app, context);
  addSignInCalls(app, context);
  addPeopleCalls(app, context);
  addGroupCalls(app, context);
  addApiTokenCalls(app, context);
  addSessionCalls(app, context);
  // Operators
  addSiteCalls(app, context);
  addTrackerCalls(app, context);
  addCopyCalls(app, context);
  addPlacementRuleCalls(app, context);
  addGrantCalls(app, context);
  addExplanationCalls(app, context);
  addAuditCalls(app, context);
  // Members
  addJoinCalls(app, context);
  addSignalCalls(app, context);
  addListCalls(app, context);
  addLinkCalls(app, context);
  addHandshakeCalls(app, context);
  addWithdrawalCalls(app, context);
  addAssignmentCalls(app, context);
  addStorageReportCalls(app, context);
  addChangeCalls(app, context);
  addPeerMeasurementCalls(app, context);
  addPlayCalls(app, context);
  addRightsCalls(app, context);
  addAuditEventCalls(app, context);
  addStatementCalls(app, context);
}

/** Serves the built pages, if `directory` exists. */
export function addPages(app: HttpServer, context: CentralContext, directory: string | undefined): void {
  if (directory === undefined || !existsSync(directory)) return;
  servePages(app, {
    directory,
    pages: {
      '/': 'index.html',
      '/search': 'index.html',
      '/series/:id': 'index.html',
      '/person': 'index.html',
      '/sites/:id': 'index.html',
      '/watch/:video': 'watch.html',
      '/embed/:video': 'embed.html',
      '/admin': 'admin.html',
      '/admin/explain': 'explain.html',
      '/admin/people': 'people.html',
      '/admin/audit': 'audit.html',
      '/account': 'account.html',
      '/sign-in': 'sign-in.html',
      '/invitation': 'invitation.html',
    },
    unlisted: [
      '/embed/:video',
      '/admin',
      '/admin/audit',
      '/admin/explain',
      '/admin/people',
      '/account',
      '/sign-in',
      '/invitation',
    ],
    connectTo: () => listOrigins(context.db),
    headOf: createHeadOf(context),
    framing: { '/embed/:video': request => findFramingOrigins(context, request) },
  });
}

/** The origins of trackers and sites, to which the pages may connect. */
async function listOrigins(db: CentralDatabase): Promise<readonly string[]> {
  const members = [...(await listJoined(db, 'tracker')), ...(await listJoined(db, 'site'))];
  const origins = [...new Set(members.map(member => member.base_url))];
  if (origins.join(' ').length <= MAX_POLICY_CHARACTERS) return origins;
  return [...new Set(origins.map(origin => new URL(origin).protocol))];
}
