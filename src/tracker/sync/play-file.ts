/** The plays of a tracker that central has not confirmed, in one small file, so that a restart neither loses nor repeats one. */
import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import { writeDurably } from '../../kernel/files.ts';
import type { Log } from '../../kernel/log.ts';
import { messageOf } from '../../kernel/problem.ts';
import { videoIdSchema } from '../../protocol/base/ids.ts';
import { type PlayDelivery, playDeliverySchema } from '../../protocol/copies.ts';
import type { CountedPlays, DayOfPlays } from '../reports/play-counts.ts';

const playsSchema = z.array(z.tuple([videoIdSchema, z.int().positive()]));
const fileSchema = z.object({
  delivery: playDeliverySchema.extend({ plays: playsSchema }).optional(),
  days: z.array(z.object({ day: z.int(), plays: playsSchema })),
  sessions: z.array(z.tuple([z.string(), z.number()])),
});

export type Delivery = PlayDelivery & DayOfPlays;
export interface PlayFile extends CountedPlays {
  /** It may have reached central. */
  readonly delivery?: Delivery | undefined;
}

/** An unreadable file costs the plays of a few seconds, so the tracker starts without it. */
export function readPlayFile(path: string, log: Log): PlayFile {
  try {
    if (existsSync(path)) return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    log.warn({ path, reason: messageOf(error) }, 'the plays that were not delivered are unreadable');
  }
  return { days: [], sessions: [] };
}

export const writePlayFile = (path: string, content: PlayFile): Promise<void> =>
  writeDurably(path, JSON.stringify(content), 0o600);
