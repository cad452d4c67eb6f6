/**
 * What people say about a video besides its name, description and language. All of it is optional. A record carries it next to the
 * members that the site measures, and the site stores it as one JSON object.
 */
import * as z from 'zod';
import { canonicalObject, openObject } from '../base/canonical.ts';
import { lineSchema, storedLineSchema } from '../base/text.ts';
import { timestampSchema } from '../base/timestamp.ts';

const MAX_PEOPLE = 100;
const MAX_PERSON_CHARACTERS = 200;
const MAX_TAGS = 50;
const MAX_TAG_CHARACTERS = 60;
const MAX_ROLE_CHARACTERS = 60;
const MAX_LICENCE_CHARACTERS = 120;
const MAX_CHAPTERS = 500;
const MAX_TITLE_CHARACTERS = 200;
const MAX_FIELDS = 40;
const MAX_FIELD_CHARACTERS = 500;
const MAX_FIELD_VALUES = 50;

/** The name of a field is part of addresses and of exports. */
export const fieldNameSchema = z
  .string()
  .regex(/^[a-z][A-Za-z0-9]{0,39}$/, 'must be a name such as "faculty"');

const isUnique = (values: readonly string[]): boolean => new Set(values).size === values.length;
const isInOrder = (chapters: readonly { readonly startMs: number }[]): boolean =>
  chapters.every(({ startMs }, at) => at === 0 || startMs > (chapters[at - 1]?.startMs ?? 0));

interface Kinds {
  /** One line of text: input is cleaned by it, and stored text conforms to it. */
  readonly line: (max: number) => z.ZodType<string, string>;
  /** An object: records keep members of newer versions, and input has none. */
  readonly object: typeof openObject;
}

const makeShape = ({ line, object }: Kinds) => ({
  /** When it was recorded, which may be long before the upload. */
  recordedAt: timestampSchema,
  /** Who appears in the video or has made it. The role is in the words of the operator: "speaker", "camera". */
  people: z
    .array(object({ name: line(MAX_PERSON_CHARACTERS), role: line(MAX_ROLE_CHARACTERS).optional() }))
    .max(MAX_PEOPLE),
  tags: z.array(line(MAX_TAG_CHARACTERS)).max(MAX_TAGS).refine(isUnique, 'A tag occurs twice. Remove one.'),
  licence: line(MAX_LICENCE_CHARACTERS),
  chapters: z
    .array(object({ startMs: z.int().nonnegative(), title: line(MAX_TITLE_CHARACTERS) }))
    .max(MAX_CHAPTERS)
    .refine(isInOrder, 'The chapters must be in the order of their start, each with another start.'),
  /** The time of the picture that stands for the video. Absent: the site chooses one. */
  poster: object({ atMs: z.int().nonnegative() }),
  /** Until this time, only those who may edit the video watch it. */
  publishAt: timestampSchema,
  /** At this time, the site withdraws the video. */
  withdrawAt: timestampSchema,
  /** What viewers may download: nothing, the source, or any rendition. */
  downloads: z.enum(['none', 'source', 'renditions']),
  /** Values of the fields that the operator has declared at central. */
  fields: z
    .record(
      fieldNameSchema,
      z.union([
        line(MAX_FIELD_CHARACTERS),
        z.number(),
        z.boolean(),
        z.array(line(MAX_FIELD_CHARACTERS)).max(MAX_FIELD_VALUES),
      ]),
    )
    .refine(fields => Object.keys(fields).length <= MAX_FIELDS, `There are at most ${MAX_FIELDS} fields.`),
});

const inRecord = canonicalObject(makeShape({ line: storedLineSchema, object: openObject })).partial();
/** The members of records and responses. */
export const detailsShape = inRecord.shape;
export type VideoDetails = z.infer<typeof inRecord>;
export const DETAILS = Object.keys(detailsShape) as readonly (keyof VideoDetails)[];

const asInput = z.object(makeShape({ line: lineSchema, object: canonicalObject })).partial();
/** The members of an upload. Texts are cleaned. */
export const detailsInputShape = asInput.shape;

const { shape } = asInput;
/** The members of an edit. `null` removes a value. */
export const detailsEditShape = {
  recordedAt: shape.recordedAt.nullable(),
  people: shape.people.nullable(),
  tags: shape.tags.nullable(),
  licence: shape.licence.nullable(),
  chapters: shape.chapters.nullable(),
  poster: shape.poster.nullable(),
  publishAt: shape.publishAt.nullable(),
  withdrawAt: shape.withdrawAt.nullable(),
  downloads: shape.downloads.nullable(),
  fields: shape.fields.nullable(),
};
export type DetailsEdit = { readonly [Name in keyof VideoDetails]?: VideoDetails[Name] | null | undefined };

/** The details that this version knows, without other members. */
export const pickDetails = (from: VideoDetails): VideoDetails =>
  Object.fromEntries(DETAILS.filter(name => from[name] !== undefined).map(name => [name, from[name]]));

/** What remains of the details after an edit. Members that this version does not know stay. */
export function editDetails(before: VideoDetails, edit: DetailsEdit): VideoDetails {
  const changes = pickDetails(edit as VideoDetails);
  const isRemoved = (name: string): boolean => changes[name as keyof VideoDetails] === null;
  return Object.fromEntries(Object.entries({ ...before, ...changes }).filter(([name]) => !isRemoved(name)));
}
