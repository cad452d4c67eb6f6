/** Bounds on what crosses between parts. Every boundary parses against these. */
export const MAX_NAME_CHARACTERS = 200;
export const MAX_DESCRIPTION_CHARACTERS = 5_000;
export const MAX_UPLOAD_METADATA_BYTES = 4_096;
export const DEFAULT_MAX_UPLOAD_BYTES = 10 * 2 ** 30;
export const HARD_MAX_UPLOAD_BYTES = 100 * 2 ** 30;
export const MAX_JSON_BODY_BYTES = 64 * 1024;
/** A page of records that central reads from a site. */
export const MAX_RECORD_PAGE_BYTES = 2 ** 20;
export const MAX_RECORD_PAGE_ROWS = 500;
/** Of pictures and sound, of one source. */
export const MAX_RENDITIONS = 32;
/** Of one record: encodings and captions too. */
export const MAX_RECORD_RENDITIONS = 96;
/** One media segment is held in memory whole: a source whose segments would be larger must be converted first. */
export const MAX_SEGMENT_BYTES = 64 * 2 ** 20;
export const MAX_SEGMENT_DURATION_MS = 60_000;
export const TARGET_SEGMENT_DURATION_MS = 4_000;
/** An uploaded caption file, and each that is taken out of a source. */
export const MAX_CAPTIONS_BYTES = 2 ** 20;
export const MAX_CAPTION_TRACKS = 16;
