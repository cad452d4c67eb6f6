/** The audit log: who did what to what, and when. Central chains the entries by hash (docs/people.md). */
import * as z from 'zod';
import { timestampSchema } from '../base/timestamp.ts';
import { AUDIT_ACTIONS } from './audit-actions.ts';

/** Printable ASCII: ids, addresses and paths. */
const plainText = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII');

export const whoSchema = z.object({
  /** `token`: an API token of the person. `house-network`: an unknown viewer in a house network. `nobody`: no credential. */
  kind: z.enum(['person', 'token', 'operator-token', 'member', 'house-network', 'system', 'nobody']),
  /** The person; for `member`, the member. */
  id: plainText(100).optional(),
  name: z.string().max(400).optional(),
  /** The session or token that was used. */
  credential: plainText(100).optional(),
});
export type Who = z.infer<typeof whoSchema>;

const auditActionSchema = z.enum(AUDIT_ACTIONS);

const MAX_DETAIL_BYTES = 4_000;
/** A small JSON value. */
const detailSchema = z
  .json()
  .refine(
    value => JSON.stringify(value).length <= MAX_DETAIL_BYTES,
    'must have at most 4,000 characters as JSON',
  );

/** What the part that writes an entry knows. */
export const auditEventSchema = z.object({
  at: timestampSchema,
  who: whoSchema,
  /** The IP address of the client. */
  from: plainText(64).optional(),
  action: auditActionSchema,
  /** What it concerns, for example `video:0190…`, `person:…`, `site:…`. */
  object: plainText(200).optional(),
  before: detailSchema.optional(),
  after: detailSchema.optional(),
});
export type AuditEvent = z.infer<typeof auditEventSchema>;

/** Shortens texts and omits large details, so that a part can store and send every event that it writes. */
export const boundEvent = (event: AuditEvent): AuditEvent => ({
  ...event,
  who: {
    ...event.who,
    id: boundPlain(event.who.id, 100),
    name: event.who.name?.slice(0, 400),
    credential: boundPlain(event.who.credential, 100),
  },
  from: boundPlain(event.from, 64),
  object: boundPlain(event.object, 200),
  before: boundDetail(event.before),
  after: boundDetail(event.after),
});

const boundPlain = (text: string | undefined, max: number): string | undefined =>
  text?.replace(/[^\x20-\x7e]/g, '?').slice(0, max) || undefined;

function boundDetail(value: AuditEvent['after']): AuditEvent['after'] {
  const { length } = JSON.stringify(value) ?? '';
  return length > MAX_DETAIL_BYTES ? { omitted: `${length} characters` } : value;
}

/** An entry of the log. */
export const auditEntrySchema = z.object({
  seq: z.int().positive(),
  ...auditEventSchema.shape,
  /** The member that wrote the entry; absent for central itself. `memberSeq` counts the entries of that member. */
  member: z.string().optional(),
  memberSeq: z.int().positive().optional(),
  /** When central received the entry of a member. */
  receivedAt: timestampSchema.optional(),
  /** SHA-256 in hexadecimal of the hash of the entry before (empty for the first), a line feed, and this entry without `hash`, as canonical JSON. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

/** `GET /api/audit?after=&action=&person=&object=&from=&until=&order=oldest|newest&limit=` (read-audit) */
export const auditPageSchema = z.object({
  entries: z.array(auditEntrySchema),
  next: z.string().optional(),
});

export const MAX_AUDIT_BATCH = 200;
/** `POST /api/audit-events` (site or tracker, signed): the events after the last one that central has, in order. */
export const auditReportSchema = z.object({
  events: z
    .array(z.object({ seq: z.int().positive(), event: auditEventSchema }))
    .min(1)
    .max(MAX_AUDIT_BATCH),
});
export const auditReceiptSchema = z.object({
  /** The last event of this member that central has stored. Nothing was stored if the events do not follow those before. */
  seq: z.int().nonnegative(),
  /** The first of these events that is not the one that central has under its number: the member was restored from a backup. */
  differs: z.int().positive().optional(),
});
export type AuditReceipt = z.infer<typeof auditReceiptSchema>;
