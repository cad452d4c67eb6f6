/** Records that are stored as JSON. They were validated before they were stored, so they are not validated again. */
import type { PublicationRecord } from '../../protocol/publication/record.ts';

export const parseStoredRecord = (body: string): PublicationRecord => JSON.parse(body);
