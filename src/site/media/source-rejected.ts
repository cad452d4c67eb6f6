/** Why an upload cannot be published: an expected outcome with one sentence for the person who uploaded it. */

/** Stable; clients may branch on it. The sentence may change, the code may not. */
export type RefusalCode =
  /** No bytes at all. */
  | 'empty'
  /** Not a film: a page, a picture, a playlist, an archive … */
  | 'not-media'
  /** A film in a container that browsers cannot play and we cannot cut. */
  | 'container-unsupported'
  /** A codec, or a profile of one, that browsers cannot play. */
  | 'codec-unsupported'
  /** Encrypted for DRM. */
  | 'protected'
  /** The file ends before what its index promises. */
  | 'truncated'
  /** What the file says of itself is contradictory. */
  | 'damaged'
  /** Neither picture nor sound. */
  | 'no-tracks'
  /** Well formed, but of a shape that this version cannot express. */
  | 'structure-unsupported'
  /** A segment would be longer or larger than a segment may be. */
  | 'segments-too-large'
  /** Checking ran out of time or memory. */
  | 'check-exceeded';

export class SourceRejected extends Error {
  readonly code: RefusalCode;

  /** @param message one clear sentence or two: what the file is, and what to do. */
  constructor(code: RefusalCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SourceRejected';
    this.code = code;
  }
}

export const truncated = (where: string): SourceRejected =>
  new SourceRejected(
    'truncated',
    `The file ends in the middle of ${where}: the upload may be incomplete, or the recording was cut off. Upload the whole file again.`,
  );

export const damaged = (what: string): SourceRejected =>
  new SourceRejected(
    'damaged',
    `The file is damaged: ${what}. Play it on your own computer to check it, and export it again.`,
  );
