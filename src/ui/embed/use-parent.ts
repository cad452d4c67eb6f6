/**
 * Exchanges messages with the page that contains the player. Only that page is listened to, and only if its origin is permitted: another
 * frame, a page that opened this one, and a page of another origin are ignored.
 */
import type { RefObject } from 'preact';
import { useCallback, useEffect, useRef } from 'preact/hooks';
import { isOriginAllowed } from '../../protocol/embed-origins.ts';
import type { PlayerControls, PlayerState } from '../player/player-props.ts';
import { findParentOrigin, formatReport, parseCommand, type Report } from './messages.ts';

interface ParentOptions {
  /** Undefined until they are known. Nothing is sent before. */
  readonly origins: readonly string[] | undefined;
  readonly controls: RefObject<PlayerControls | undefined>;
  readonly state: RefObject<PlayerState>;
  readonly durationS: number | null;
}

const isFramed = window.parent !== window;
const namedParent = findParentOrigin(
  (location as { readonly ancestorOrigins?: ArrayLike<string> }).ancestorOrigins,
  document.referrer,
);

/** @returns a function that sends a report to the page */
export function useParent(options: ParentOptions): (report: Report) => void {
  const latest = useRef(options);
  latest.current = options;
  /** A browser that does not name the parent has to wait for its first message. */
  const parent = useRef(namedParent);
  const report = useCallback((message: Report) => {
    const { origins } = latest.current;
    if (!isFramed || !origins || parent.current === undefined) return;
    if (isOriginAllowed(origins, parent.current))
      window.parent.postMessage(formatReport(message), parent.current);
  }, []);
  useEffect(() => {
    const onMessage = ({ source, origin, data }: MessageEvent): void => {
      const { origins, controls, state, durationS } = latest.current;
      if (!isFramed || source !== window.parent || !origins || !isOriginAllowed(origins, origin)) return;
      const command = parseCommand(data);
      if (!command) return;
      parent.current = origin;
      if (command.type === 'play') controls.current?.play();
      else if (command.type === 'pause') controls.current?.pause();
      else if (command.type === 'seek') controls.current?.seek(command.time * 1_000);
      else {
        const time = (controls.current?.currentMs() ?? 0) / 1_000;
        report({ type: 'state', state: state.current, time, duration: durationS });
      }
    };
    addEventListener('message', onMessage);
    return () => removeEventListener('message', onMessage);
  }, [report]);
  return report;
}
