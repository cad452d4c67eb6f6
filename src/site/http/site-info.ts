/** The state of this site, for the studio page. */
import type { AccessGuard } from '../../kernel/access/access.ts';
import type { HttpServer } from '../../kernel/http/server.ts';
import type { Problem } from '../../kernel/problem.ts';
import type { SiteId } from '../../protocol/base/ids.ts';
import { isAllowedSomewhere } from '../../protocol/people/permissions.ts';
import { type SiteInfo, siteInfoSchema } from '../../protocol/site.ts';
import type { SiteConfig } from '../config.ts';
import { countChecks } from '../database/file-checks.ts';
import { countUnpublished } from '../database/publication/records.ts';
import { readSignal } from '../database/publication/signal.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';

/** Whether central can be reached. */
export interface CentralConnection {
  /** Central responded to the last request. */
  readonly isConnected: boolean;
  /** When it last responded. Undefined: not since this start. */
  readonly respondedAtMs: number | undefined;
}

export interface SiteInfoDeps {
  readonly db: SiteDatabase;
  readonly config: SiteConfig;
  readonly guard: AccessGuard;
  /** Undefined until this site has joined. */
  readonly siteId: () => SiteId | undefined;
  readonly siteName: () => string;
  /** Why this site cannot join central until an operator acts. */
  readonly joinProblem: () => Problem | undefined;
  /** Free space for the next upload. */
  readonly freeBytes: () => number;
  /** Undefined without ffmpeg. */
  readonly conversion: SiteInfo['conversion'];
  readonly trackerUrls: () => readonly string[];
  /** Why this process publishes nothing, if another one runs with its key. */
  readonly stoppedBecause: () => string | undefined;
  readonly connection: () => CentralConnection;
}

export function serveSiteInfo(app: HttpServer, options: SiteInfoDeps): void {
  const { config, db } = options;
  app.get(
    '/api/site',
    {
      schema: {
        description: 'Returns the state of this site.',
        response: { 200: siteInfoSchema },
      },
    },
    async request => {
      const id = options.siteId();
      const stoppedBecause = options.stoppedBecause();
      const joinProblem = options.joinProblem();
      const isKnown = isAllowedSomewhere(await options.guard.authorityOf(request.raw), 'upload');
      return {
        ...(id ? { id } : {}),
        name: options.siteName(),
        baseUrl: config.baseUrl,
        ...(config.central ? { centralUrl: config.central } : {}),
        trackers: [...options.trackerUrls()],
        joined: id !== undefined,
        ...(joinProblem ? { joinProblem: { code: joinProblem.code, detail: joinProblem.message } } : {}),
        ...(id === undefined ? {} : { central: formatConnection(options.connection()) }),
        ...(isKnown ? { fileChecks: await readFileChecks(db) } : {}),
        tokenNeeded: !isKnown,
        maxUploadBytes: config.maxUpload,
        ...(config.chunkSize === undefined ? {} : { chunkBytes: config.chunkSize }),
        freeBytes: options.freeBytes(),
        signal: (await readSignal(db)).flag,
        unpublished: await countUnpublished(db),
        ...(isKnown && stoppedBecause !== undefined ? { stoppedBecause } : {}),
        // Only operators may know how well ffmpeg is sandboxed.
        ...(isKnown && options.conversion ? { conversion: options.conversion } : {}),
      };
    },
  );
}

const formatConnection = ({ isConnected, respondedAtMs }: CentralConnection): SiteInfo['central'] => ({
  connected: isConnected,
  ...(isConnected || respondedAtMs === undefined ? {} : { since: new Date(respondedAtMs).toISOString() }),
});

async function readFileChecks(db: SiteDatabase): Promise<SiteInfo['fileChecks']> {
  const { checked, damaged, repaired } = await countChecks(db);
  return { checked, damaged, repaired };
}
