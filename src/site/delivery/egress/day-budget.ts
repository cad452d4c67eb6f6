/**
 * A hard limit on the bytes of one day by the site's local clock. Bytes are claimed on disk in blocks before they are used: a
 * crash costs a part of a block, and never gives bytes back.
 */

import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { errorCodeOf } from '../../../kernel/error-code.ts';
import { writeDurably } from '../../../kernel/files.ts';
import type { Log } from '../../../kernel/log.ts';
import { messageOf } from '../../../kernel/problem.ts';

/** The size of a block as a share of the limit. */
const BLOCK_SHARE = 1 / 200;
const MIN_BLOCK_BYTES = 2 ** 20;

const savedSchema = z.object({ day: z.string(), bytes: z.number().nonnegative() });

const dayOf = (at: Date): string =>
  `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, '0')}-${String(at.getDate()).padStart(2, '0')}`;

interface DayBudgetOptions {
  /** The file that keeps the count across restarts. */
  readonly path: string;
  readonly limitBytes: number;
  readonly log: Log;
  /** Default: the system clock. */
  readonly now?: () => Date;
}

export class DayBudget {
  readonly limitBytes: number;
  readonly #path: string;
  readonly #log: Log;
  readonly #now: () => Date;
  readonly #blockBytes: number;
  #day: string;
  #used: number;
  #claimed: number;
  #writing: Promise<void> | undefined;

  private constructor({ path, limitBytes, log, now }: Required<DayBudgetOptions>, used: number) {
    this.#path = path;
    this.limitBytes = limitBytes;
    this.#log = log;
    this.#now = now;
    this.#blockBytes = Math.max(MIN_BLOCK_BYTES, limitBytes * BLOCK_SHARE);
    this.#day = dayOf(now());
    this.#used = used;
    this.#claimed = used;
  }

  /** Continues the budget of an earlier run on the same day. */
  static async open(options: DayBudgetOptions): Promise<DayBudget> {
    const { path, log, now = () => new Date() } = options;
    let used = 0;
    try {
      const saved = savedSchema.parse(JSON.parse(await readFile(path, 'utf8')));
      if (saved.day === dayOf(now())) used = saved.bytes;
    } catch (error) {
      if (errorCodeOf(error) !== 'ENOENT') {
        log.warn(
          { path, reason: messageOf(error) },
          'could not read how much was sent today; starting the daily counter at 0',
        );
      }
    }
    const budget = new DayBudget({ ...options, now }, used);
    await budget.#claim();
    return budget;
  }

  get usedBytes(): number {
    this.#startDay();
    return this.#used;
  }

  get leftBytes(): number {
    return Math.max(0, this.limitBytes - this.usedBytes);
  }

  /** Seconds until the next day begins. */
  get secondsLeft(): number {
    const now = this.#now();
    const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
    return Math.max(1, Math.ceil((midnight.getTime() - now.getTime()) / 1_000));
  }

  use(bytes: number): void {
    this.#startDay();
    this.#used += bytes;
    if (this.#used + this.#blockBytes / 2 > this.#claimed && !this.#writing) void this.#claim();
  }

  /** Saves how many bytes were used, which is less than was claimed. */
  async stop(): Promise<void> {
    await this.#writing;
    await this.#save(this.#used);
  }

  #startDay(): void {
    const day = dayOf(this.#now());
    if (day === this.#day) return;
    this.#day = day;
    this.#used = 0;
    this.#claimed = 0;
  }

  async #claim(): Promise<void> {
    const claimed = this.#used + this.#blockBytes;
    this.#claimed = claimed;
    this.#writing = this.#save(claimed);
    await this.#writing;
    this.#writing = undefined;
  }

  async #save(bytes: number): Promise<void> {
    try {
      await writeDurably(this.#path, `${JSON.stringify({ day: this.#day, bytes: Math.ceil(bytes) })}\n`);
    } catch (error) {
      this.#log.warn(
        { path: this.#path, reason: messageOf(error) },
        'could not save how much was sent today',
      );
    }
  }
}
