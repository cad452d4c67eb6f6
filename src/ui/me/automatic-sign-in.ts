/** Whether a page that needs a person leads to the sign-in page by itself, without a click. */
import { readItem, writeItem } from '../browser/storage.ts';

const KEY = 'tributary.automatic-sign-in';
/** A person who comes back within this time did not sign in, and may want the break-glass form. */
const PAUSE_MS = 30_000;
/** Later, the page is in use: a session that ends must not take away what the person is doing. */
const AFTER_LOAD_MS = 10_000;

/** True at most once per tab and pause, right after the page was loaded. */
export function claimAutomaticSignIn(nowMs: number, sinceLoadMs: number): boolean {
  const last = Number(readItem('sessionStorage', KEY) ?? 0);
  if (sinceLoadMs > AFTER_LOAD_MS || Math.abs(nowMs - last) < PAUSE_MS) return false;
  writeItem('sessionStorage', KEY, String(nowMs));
  return true;
}
