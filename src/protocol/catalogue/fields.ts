/** The operator's own fields of videos, which the configuration of central declares (`[[central.fields]]`). */
import * as z from 'zod';
import { fieldNameSchema } from '../publication/details.ts';

const MAX_LABEL_CHARACTERS = 60;
const MAX_VALUES = 500;
const MAX_VALUE_CHARACTERS = 200;
const MAX_FIELDS = 40;

/** `choice` is one of `values`, `choices` several of them. `date` is a calendar day, `2026-11-30`. */
const fieldTypeSchema = z.enum(['text', 'number', 'boolean', 'choice', 'choices', 'date']);

const label = z.string().trim().min(1).max(MAX_LABEL_CHARACTERS);

export const fieldSchema = z.object({
  /** The name in records. */
  name: fieldNameSchema,
  /** What people see, by language. */
  label: z.object({ en: label, zh: label.optional() }),
  type: fieldTypeSchema,
  /** For `choice` and `choices`. */
  values: z.array(z.string().trim().min(1).max(MAX_VALUE_CHARACTERS)).min(1).max(MAX_VALUES).optional(),
});
export type Field = z.infer<typeof fieldSchema>;

/** `GET /api/fields` of central and of every site. */
export const fieldListSchema = z.object({ fields: z.array(fieldSchema).max(MAX_FIELDS) });

const hasChoices = ({ type }: Pick<Field, 'type'>): boolean => type === 'choice' || type === 'choices';

/** The setting `[[central.fields]]`. */
export const fieldSettingsSchema = z
  .array(
    z
      .strictObject(fieldSchema.shape)
      .refine(
        field => hasChoices(field) === (field.values !== undefined),
        'needs values if its type is "choice" or "choices", and has none otherwise.',
      ),
  )
  .max(MAX_FIELDS)
  .refine(
    fields => new Set(fields.map(({ name }) => name)).size === fields.length,
    'has two fields with the same name. Give each its own name.',
  );
