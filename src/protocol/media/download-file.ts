/** The addresses of downloads at a site. This module has no schemas, so that pages can use it without a parser. */

/** The folder of the uploaded file in a revision. No rendition has this id. */
export const SOURCE_FOLDER = 'source';

/** The name of the file in the folder of its rendition, or of the source. `?name=` gives the name under which it is stored. */
export const downloadFile = (kind: 'video' | 'audio' | 'source'): string =>
  kind === 'source' ? 'download' : kind === 'audio' ? 'download.m4a' : 'download.mp4';
