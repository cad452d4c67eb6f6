/** What a person can do with a video in the studio. */
import type { SiteVideo } from '../../protocol/site.ts';
import type { ApprovalCalls } from './approval-actions.tsx';
import type { CaptionsCalls } from './captions/captions-calls.ts';
import type { TransferCalls } from './transfer-dialog.tsx';
import type { TrimCalls } from './trim/trim-dialog.tsx';

export interface VideoCalls extends ApprovalCalls, TransferCalls, TrimCalls {
  readonly withdraw: () => Promise<void>;
  readonly captions: CaptionsCalls;
}

/** What the person may do with this video. */
export interface VideoPermissions {
  readonly edit: boolean;
  readonly withdraw: boolean;
  readonly publish: boolean;
  readonly prioritise: boolean;
  /** The id of the person. */
  readonly person: string | undefined;
}

/** The converted part of a video can be watched while the rest is being converted. */
export const isWatchable = ({ state }: SiteVideo): boolean => state === 'ready' || state === 'preparing';
