/** Limits on the data that parts exchange. Every boundary checks its input against them. */
export const MAX_NAME_CHARACTERS = 200;
export const MAX_DESCRIPTION_CHARACTERS = 5_000;
/** In base64. All headers of a request together may have 16 KB. `PATCH /api/videos/{id}` takes the rest. */
export const MAX_UPLOAD_METADATA_BYTES = 12_288;
export const DEFAULT_MAX_UPLOAD_BYTES = 10e9;
export const HARD_MAX_UPLOAD_BYTES = 100e9;
/** The size of a page of records that central reads from a site. */
export const MAX_RECORD_PAGE_BYTES = 2 ** 20;
export const MAX_RECORD_PAGE_ROWS = 500;
/** The number of video and audio tracks of one source. */
export const MAX_RENDITIONS = 32;
/** The number of renditions in one record, including captions. */
export const MAX_RECORD_RENDITIONS = 96;
/** A media segment is held in memory as a whole, so a source with larger segments must be converted first. */
export const MAX_SEGMENT_BYTES = 64 * 2 ** 20;
export const MAX_SEGMENT_DURATION_MS = 60_000;
export const TARGET_SEGMENT_DURATION_MS = 4_000;
/** The size of an uploaded caption file, and of captions extracted from a source. */
export const MAX_CAPTIONS_BYTES = 2 ** 20;
export const MAX_CAPTION_TRACKS = 16;
/** Of all captions of a video in one language, without markup. */
export const MAX_CAPTION_TEXT_CHARACTERS = 4 * 2 ** 20;
