/** Why an upload cannot be published: an expected outcome, with a message for the person who uploaded it. */
import type { ProblemCode } from '../../protocol/problems.ts';
import type { TrackPosition } from './video-track.ts';

/** Clients may branch on the code. The message may change. */
export type RejectionCode = Extract<
  ProblemCode,
  | 'empty'
  | 'not-media'
  | 'container-unsupported'
  | 'codec-unsupported'
  | 'protected'
  | 'truncated'
  | 'damaged'
  | 'no-tracks'
  | 'structure-unsupported'
  | 'segments-too-large'
  | 'check-exceeded'
>;

interface RejectionOptions extends ErrorOptions {
  readonly videoTrack?: TrackPosition | undefined;
  readonly isCutOff?: boolean | undefined;
}

export class SourceRejected extends Error {
  override readonly name = 'SourceRejected';
  readonly code: RejectionCode;
  /** The video track to convert, if the source has several. */
  readonly videoTrack: TrackPosition | undefined;
  /** The end of the file is missing, in addition to the reason for the rejection. */
  readonly isCutOff: boolean;

  /** @param message one or two sentences: what is wrong with the file, and what to do */
  constructor(code: RejectionCode, message: string, options: RejectionOptions = {}) {
    super(message, options);
    this.code = code;
    this.videoTrack = options.videoTrack;
    this.isCutOff = options.isCutOff ?? false;
  }
}

/** @param defect what is missing, as a clause: "its index is cut off" */
export const truncated = (defect: string): SourceRejected =>
  new SourceRejected('truncated', `The file is incomplete: ${defect}. Upload the whole file again.`);

export const tooManyTracks = (limit: number): SourceRejected =>
  new SourceRejected(
    'structure-unsupported',
    `This file has more than ${limit.toLocaleString('en')} tracks. Export it with only the tracks that viewers need, and upload it again.`,
  );

/** @param defect what is wrong, as a clause: "its index is too large" */
export const damaged = (defect: string, options?: ErrorOptions): SourceRejected =>
  new SourceRejected(
    'damaged',
    `The file is damaged: ${defect}. Check that it plays on your computer, and export it again.`,
    options,
  );
