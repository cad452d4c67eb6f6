import * as z from 'zod';

/** A timestamp in RFC 3339 form, in UTC, with milliseconds. */
export const timestampSchema = z.iso.datetime({ precision: 3 });
