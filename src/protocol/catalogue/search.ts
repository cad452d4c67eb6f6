/**
 * Finding videos: the query, its hits, facets and suggestions. Central uses it for the catalogue, and a site for the videos that it
 * holds, so both accept the same members.
 */
import * as z from 'zod';
import { siteIdSchema, videoIdSchema } from '../base/ids.ts';
import { languageSchema } from '../base/text.ts';

export const MAX_QUERY_CHARACTERS = 200;
const MAX_VALUE_CHARACTERS = 200;
const MAX_PAGE = 100;
const DEFAULT_PAGE = 24;
/** Of a UUID and a comma. */
const MAX_ID_CHARACTERS = 37;
const MAX_CURSOR_CHARACTERS = 1_500;
/** No video is longer than this many seconds. */
const MAX_LENGTH_S = 10_000_000;

/**
 * `relevance`: the member with the match decides, then the newest first; without `q` the same as `newest`. `recorded`: the latest
 * recording first. `played`: the most plays of the last seven days first. `title`: from A to Z.
 */
const ORDERS = ['relevance', 'newest', 'recorded', 'played', 'title'] as const;
export const orderSchema = z.enum(ORDERS);
export type Order = z.infer<typeof orderSchema>;

const value = z.string().min(1).max(MAX_VALUE_CHARACTERS);
const seconds = z.coerce.number().int().min(0).max(MAX_LENGTH_S);

/** What narrows the list. All members that are present must hold. */
const filterShape = {
  /** Words that all occur; words in double quotes occur next to each other. */
  q: z.string().max(MAX_QUERY_CHARACTERS).optional(),
  site: siteIdSchema.optional(),
  /** The id of a series. */
  series: value.optional(),
  tag: value.optional(),
  /** The name of a person. */
  person: value.optional(),
  /** A BCP 47 tag. `zh` also finds `zh-Hant`. */
  language: languageSchema.optional(),
  /** The year of the recording, or of the upload if no recording is known. In UTC. */
  year: z.coerce.number().int().min(1800).max(9999).optional(),
  /** With or without captions. */
  captions: z
    .enum(['true', 'false'])
    .transform(text => text === 'true')
    .optional(),
  /** The length in seconds, both limits included. */
  minS: seconds.optional(),
  maxS: seconds.optional(),
};

/** The query of `GET /api/facets`. */
export const facetsQuerySchema = z.object(filterShape);
export type VideoFilter = z.infer<typeof facetsQuerySchema>;

/** The query of `GET /api/videos` at central and `GET /api/library` at a site. */
export const videoQuerySchema = z.object({
  ...filterShape,
  /**
   * The ids of videos, separated by commas: lists those of them that this viewer may watch now, on one page and in any order. Other
   * members are ignored.
   */
  ids: z
    .string()
    .max(MAX_PAGE * MAX_ID_CHARACTERS)
    .transform(text => text.split(','))
    .pipe(z.array(videoIdSchema).max(MAX_PAGE))
    .optional(),
  order: orderSchema.optional(),
  cursor: z.string().max(MAX_CURSOR_CHARACTERS).optional(),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
});
export type VideoQuery = z.infer<typeof videoQuerySchema>;

export const HIT_MEMBERS = ['name', 'people', 'series', 'tags', 'description', 'fields', 'captions'] as const;
export type HitMember = (typeof HIT_MEMBERS)[number];

/** Where a video matches. */
export const hitSchema = z.strictObject({
  in: z.enum(HIT_MEMBERS),
  /** The member, or an excerpt of it. */
  text: z.string(),
  /** Ranges of `text` that match, in UTF-16 code units: the first, and the one after the last. */
  marks: z.array(z.tuple([z.int().nonnegative(), z.int().nonnegative()])),
  /** For captions: when the cue starts. */
  atMs: z.int().nonnegative().optional(),
  /** For captions: their language. */
  language: z.string().optional(),
});
export type Hit = z.infer<typeof hitSchema>;
export const hitsSchema = z.array(hitSchema).optional();

export const FACETS = ['site', 'series', 'tag', 'person', 'language', 'year', 'length', 'captions'] as const;
export type Facet = (typeof FACETS)[number];

const facetSchema = z.array(
  z.strictObject({
    /** What the query takes. For `length`, the limits in seconds, both included: `0-299` or `7200-`. */
    value: z.string(),
    name: z.string(),
    count: z.int().nonnegative(),
  }),
);
export type FacetValues = z.infer<typeof facetSchema>;

/** `GET /api/facets`: the most frequent values of each member among the videos that match. */
export const facetsSchema = z.strictObject({
  site: facetSchema,
  series: facetSchema,
  tag: facetSchema,
  person: facetSchema,
  language: facetSchema,
  year: facetSchema,
  length: facetSchema,
  captions: facetSchema,
  /** How many videos match. */
  total: z.int().nonnegative(),
  /** True if more videos match than were counted: all counts are lower limits. */
  atLeast: z.boolean(),
});
export type Facets = z.infer<typeof facetsSchema>;

/** The query of `GET /api/suggestions`. */
export const suggestionsQuerySchema = z.object({ q: z.string().max(MAX_QUERY_CHARACTERS) });

const suggestionSchema = z.strictObject({
  kind: z.enum(['video', 'person', 'series']),
  text: z.string(),
  /** Of the video or series. */
  id: videoIdSchema.or(z.string()).optional(),
});
export type Suggestion = z.infer<typeof suggestionSchema>;
/** `GET /api/suggestions?q=`: names that begin with the typed text. */
export const suggestionsSchema = z.strictObject({ suggestions: z.array(suggestionSchema) });
