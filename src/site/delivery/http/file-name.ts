/** The name under which a browser stores a download (RFC 6266, RFC 8187): from the name of the video, safe on every system. Pure. */

const MAX_NAME_BYTES = 150;
/** Characters that a file system or a shell interprets, and control and format characters, which hide what a name is. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}<>:"/\\|?*%`$;]/gu;
/** Device names of Windows, with any extension. */
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/** @param otherwise the name if nothing of `name` is usable */
export function safeFileName(name: string, extension: string, otherwise: string): string {
  const text = name
    .normalize('NFC')
    .replace(UNSAFE, ' ')
    .replace(/\s+/g, ' ')
    .replace(/^[ .~-]+/, '');
  let base = '';
  // Whole characters only, so that none is cut in the middle.
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (Buffer.byteLength(base + segment) > MAX_NAME_BYTES) break;
    base += segment;
  }
  base = base.replace(/[ .]+$/, '');
  if (base === '') base = otherwise;
  return `${RESERVED.test(base) ? `_${base}` : base}.${extension}`;
}

/** Formats `Content-Disposition`: an ASCII name for old clients, and the whole one in the extended notation. */
export function formatContentDisposition(fileName: string): string {
  const ascii = fileName
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\x20-\x7e]/g, '_')
    .replace(/["\\]/g, '_');
  // RFC 8187, section 3.2.1: attr-char.
  const extended = encodeURIComponent(fileName).replace(
    /['()*]/g,
    char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${extended}`;
}
