/** The messages between the embedded player and the page that contains it (docs/embedding.md). Pure. */
import type { PlayerState } from '../player/player-props.ts';

const MESSAGE_VERSION = 1;

/** What a page may request. */
export type Command =
  | { readonly type: 'play' | 'pause' | 'state' }
  /** In seconds. */
  | { readonly type: 'seek'; readonly time: number };

interface State {
  readonly state: PlayerState;
  /** In seconds. */
  readonly time: number;
  readonly duration: number | null;
}

/** What the player reports. */
export type Report =
  | {
      readonly type: 'ready';
      readonly video: string;
      readonly name: string;
      readonly duration: number | null;
    }
  | ({ readonly type: 'state' } & State)
  | { readonly type: 'time'; readonly time: number }
  | { readonly type: 'ended' }
  | { readonly type: 'error'; readonly code: string };

const MAX_SECONDS = 1e6;

/** Undefined for anything else that a page sends. */
export function parseCommand(data: unknown): Command | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { tributary, type, time } = data as Readonly<Record<string, unknown>>;
  if (tributary !== MESSAGE_VERSION) return undefined;
  if (type === 'play' || type === 'pause' || type === 'state') return { type };
  const isTime = typeof time === 'number' && time >= 0 && time <= MAX_SECONDS;
  return type === 'seek' && isTime ? { type, time } : undefined;
}

export const formatReport = (report: Report) => ({ tributary: MESSAGE_VERSION, ...report }) as const;

/** The origin of the page that contains this one, if the browser names it. */
export function findParentOrigin(
  ancestors: ArrayLike<string> | undefined,
  referrer: string,
): string | undefined {
  const [parent] = Array.from(ancestors ?? []);
  if (parent !== undefined && parent !== 'null') return parent;
  return URL.canParse(referrer) ? new URL(referrer).origin : undefined;
}
