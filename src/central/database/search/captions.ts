/** The captions of videos that central has fetched from sites, for the search. */
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { CentralTransaction } from '../schema.ts';

export interface Cue {
  readonly startMs: number;
  readonly endMs: number;
  readonly text: string;
}

export interface CaptionsOfVideo {
  readonly video: VideoId;
  readonly revision: string;
  /** A BCP 47 tag. */
  readonly language: string;
  /** Empty: the video has no captions in this language any more. */
  readonly cues: readonly Cue[];
}

/** Replaces the captions of a video in one language, and indexes them. Captions of a video that is not listed are ignored. */
export async function storeCaptions(_tx: CentralTransaction, _captions: CaptionsOfVideo): Promise<void> {}
