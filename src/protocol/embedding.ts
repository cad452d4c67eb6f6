/** Which pages of other sites may contain the player, and the messages between them and it (docs/embedding.md). */
import * as z from 'zod';

/** The name of the field (`fields` of the record) that narrows the list of the installation for one public video. */
export const EMBED_FIELD = 'embedOrigins';
export const MAX_EMBED_ORIGINS = 20;

const ORIGIN = /^https?:\/\/(?:\*\.)?[a-z0-9.-]+(?::\d{1,5})?$/;

/** `*` for any page, an origin, or an origin with a wildcard for its subdomains. */
export const embedOriginSchema = z
  .string()
  .max(253)
  .toLowerCase()
  .refine(
    origin => origin === '*' || ORIGIN.test(origin),
    'must be an origin such as https://www.example.edu or https://*.example.edu, or *',
  );

/** `GET /api/videos/{id}/embedding`: the origins whose pages may contain the player of this video. Empty: none. */
export const embeddingSchema = z.strictObject({ origins: z.array(z.string()) });
export type Embedding = z.infer<typeof embeddingSchema>;
