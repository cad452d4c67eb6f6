/** Parses the headers with which a client creates an upload (tus 1.0.0, sections "Creation" and "Concatenation"). */
import type { IncomingHttpHeaders } from 'node:http';
import { Metadata } from '@tus/server';
import * as z from 'zod';
import { formatSize } from '../../../kernel/config/size.ts';
import { formatErrors, parseInput } from '../../../kernel/input.ts';
import { problem } from '../../../kernel/problem.ts';
import { type VideoId, videoIdSchema } from '../../../protocol/base/ids.ts';
import { MAX_UPLOAD_METADATA_BYTES } from '../../../protocol/base/limits.ts';
import { descriptionSchema, nameSchema } from '../../../protocol/base/text.ts';
import { findFieldProblem } from '../../../protocol/catalogue/field-values.ts';
import type { Field } from '../../../protocol/catalogue/fields.ts';
import { chosenAudience } from '../../../protocol/people/audience.ts';
import { pickDetails } from '../../../protocol/publication/details.ts';
import { findScheduleProblem } from '../../../protocol/publication/schedule.ts';
import { checkChoices, type VideoChoices, videoChoicesSchema } from '../../../protocol/site.ts';
import { type NewUpload, PARTIAL } from '../../database/tables/uploads.ts';
import type { NewVideo } from '../../database/tables/videos.ts';

const MAX_FILE_NAME_CHARACTERS = 255;
const MAX_PARTS = 100;
const FINAL = 'final;';

const metadataSchema = z
  .strictObject({ ...videoChoicesSchema.shape, name: nameSchema, description: descriptionSchema })
  .superRefine(checkChoices);
/** These are JSON in the metadata. The others are text. */
const JSON_FIELDS = ['groups', 'owner', 'series', 'people', 'tags', 'chapters', 'poster', 'fields'] as const;
const TEXT_FIELDS = [
  ...(['language', 'visibility', 'audience', 'recordedAt', 'licence'] as const),
  ...(['publishAt', 'withdrawAt', 'downloads'] as const),
] as const;

export interface ParsedUpload {
  readonly upload: NewUpload;
  /** Undefined for a partial upload. */
  readonly video: Omit<NewVideo, 'owner'> | undefined;
  /** The owner that the metadata names. */
  readonly owner: VideoChoices['owner'];
}

/** @throws Problem 400 `fields-invalid`, `schedule-invalid` */
export function checkNewVideo(
  { details = {} }: Pick<NewVideo, 'details'>,
  fields: readonly Field[] | undefined,
  nowMs: number,
): void {
  const wrongField = fields && findFieldProblem(fields, details.fields ?? {});
  if (wrongField !== undefined) throw problem('fields-invalid', wrongField);
  const wrongSchedule = findScheduleProblem(details, nowMs);
  if (wrongSchedule !== undefined) throw problem('schedule-invalid', wrongSchedule);
}

/** The new upload, and the video that it becomes. @throws Problem 4xx with a sentence for the uploader */
export function parseNewUpload(
  headers: IncomingHttpHeaders,
  maxUploadBytes: number,
  id: VideoId,
): ParsedUpload {
  const concat = textOf(headers['upload-concat']);
  const metadata = textOf(headers['upload-metadata']);
  if (concat !== undefined && concat !== PARTIAL && !concat.startsWith(FINAL))
    throw problem(
      'upload-malformed',
      'Upload-Concat must be "partial" or "final;" with the partial uploads.',
    );
  const isFinal = concat?.startsWith(FINAL) === true;
  const sizeBytes = isFinal ? undefined : parseLength(headers, maxUploadBytes);
  const values = parseMetadata(metadata);
  const upload = { id, metadata, concat, sizeBytes };
  if (concat === PARTIAL) return { upload, video: undefined, owner: undefined };
  const { owner, ...description } = parseDescription(values);
  return { upload, video: { id, ...description, sizeBytes: sizeBytes ?? 0 }, owner };
}

/** The partial uploads of a final one, in their order; undefined for any other upload. @throws Problem 400 */
export function findParts({ concat }: NewUpload, path: string): readonly VideoId[] | undefined {
  if (!concat?.startsWith(FINAL)) return undefined;
  const urls = concat.slice(FINAL.length).trim().split(/ +/);
  if (urls.length > MAX_PARTS)
    throw problem('upload-parts-invalid', `An upload may have at most ${MAX_PARTS} parts.`);
  return urls.map(url => {
    const { pathname = '' } = URL.canParse(url, 'http://upload') ? new URL(url, 'http://upload') : {};
    const id = videoIdSchema.safeParse(pathname.slice(path.length + 1));
    if (!pathname.startsWith(`${path}/`) || !id.success)
      throw problem('upload-parts-invalid', 'Upload-Concat names an address that is no upload of this site.');
    return id.data;
  });
}

/** @returns undefined if the client declares the length later */
function parseLength(headers: IncomingHttpHeaders, maxUploadBytes: number): number | undefined {
  const length = headers['upload-length'];
  const defer = headers['upload-defer-length'];
  if (defer !== undefined) {
    if (defer === '1' && length === undefined) return undefined;
    throw problem(
      'upload-malformed',
      'Upload-Defer-Length must be 1, and must not be sent together with Upload-Length.',
    );
  }
  if (typeof length !== 'string' || !/^\d{1,15}$/.test(length))
    throw problem('upload-length-needed', 'Send the length of the file in Upload-Length.');
  const sizeBytes = Number(length);
  if (sizeBytes === 0) throw problem('file-empty', 'The file is empty. Choose another file.');
  requireAllowedSize(sizeBytes, maxUploadBytes);
  return sizeBytes;
}

/** @throws Problem 413 `upload-too-large` */
export function requireAllowedSize(sizeBytes: number, maxUploadBytes: number): void {
  if (sizeBytes <= maxUploadBytes) return;
  throw problem(
    'upload-too-large',
    `The file is too large: this site accepts files up to ${formatSize(maxUploadBytes)}.`,
  );
}

function parseMetadata(text: string | undefined): Record<string, string | null> {
  if (!text) return {};
  const sentence = `Upload-Metadata is too large: it may have at most ${MAX_UPLOAD_METADATA_BYTES} bytes. Send the rest with PATCH /api/videos/{id}.`;
  if (text.length > MAX_UPLOAD_METADATA_BYTES) throw problem('metadata-too-large', sentence);
  try {
    return Metadata.parse(text);
  } catch (cause) {
    throw problem('metadata-malformed', 'Upload-Metadata does not have the format of tus 1.0.0.', { cause });
  }
}

type Description = Omit<NewVideo, 'id' | 'sizeBytes' | 'owner'> & Pick<ParsedUpload, 'owner'>;

function parseDescription(metadata: Record<string, string | null>): Description {
  if (!metadata.name)
    throw problem('metadata-invalid', 'Send the name of the video as "name" in Upload-Metadata.');
  const parsed = parseInput(
    metadataSchema,
    {
      name: metadata.name,
      description: metadata.description ?? '',
      ...Object.fromEntries(TEXT_FIELDS.map(field => [field, metadata[field] || undefined])),
      ...Object.fromEntries(JSON_FIELDS.map(field => [field, parseJson(field, metadata[field])])),
    },
    { whole: 'Upload-Metadata', field: 'field', object: 'an object' },
  );
  if (!parsed.ok) throw problem('metadata-invalid', formatErrors(parsed.errors), { errors: parsed.errors });
  const { name, description, language, owner, series, groups = [] } = parsed.data;
  return {
    name,
    description,
    language,
    fileName: metadata.filename
      ? [...metadata.filename].slice(0, MAX_FILE_NAME_CHARACTERS).join('')
      : undefined,
    audience: { audience: chosenAudience(parsed.data) ?? 'public', groups },
    series,
    details: pickDetails(parsed.data),
    owner,
  };
}

function parseJson(field: string, text: string | null | undefined): unknown {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw problem('metadata-invalid', `The field "${field}" of Upload-Metadata must be JSON.`, { cause });
  }
}

const textOf = (header: string | string[] | undefined): string | undefined => header?.toString();
