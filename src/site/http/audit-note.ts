/** How handlers write to the audit log. */
import type { IncomingMessage } from 'node:http';
import type { AuditEvent } from '../../protocol/people/audit.ts';
import type { SiteDatabase } from '../database/tables/videos.ts';

/** With `tx`, the entry is part of the change that it is about. */
export type NoteAudit = (
  request: IncomingMessage,
  change: Pick<AuditEvent, 'action' | 'object' | 'before' | 'after'>,
  tx?: SiteDatabase,
) => Promise<void>;
