/**
 * One process of a part, from its start to a crash. After a crash nothing in it continues: its promises never resolve.
 * It can also be suspended, as by a long pause of the machine, and continue later as if nothing had happened.
 */
import type { Clock } from '../../src/kernel/lifecycle/clock.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** The longest time for one step of a disk or a processor. */
const MAX_PAUSE_MS = 30;

export class Process {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly clock: Clock;
  /** Probability that other steps, or a crash, come before a step on the disk. */
  pauseChance: number;
  isAlive = true;
  #heldUntilMs = 0;
  readonly #onCrash: (() => void)[] = [];

  constructor(name: string, scheduler: Scheduler, random: Random, clockSkewMs: number, pauseChance: number) {
    this.name = name;
    this.scheduler = scheduler;
    this.random = random;
    this.pauseChance = pauseChance;
    this.clock = {
      now: () => scheduler.wallMs + clockSkewMs,
      after: (ms, work) => {
        let isOff = false;
        this.later(ms, () => {
          if (!isOff) work();
        });
        return () => {
          isOff = true;
        };
      },
    };
  }

  /** Runs `happen` in this process, unless it has crashed by then. */
  later(delayMs: number, happen: () => void): void {
    this.scheduler.at(delayMs, () => {
      if (!this.isAlive) return;
      const heldMs = this.#heldUntilMs - this.scheduler.nowMs;
      if (heldMs > 0) this.later(heldMs, happen);
      else happen();
    });
  }

  wait(ms: number): Promise<void> {
    return new Promise(resolve => this.later(ms, resolve));
  }

  /** Lets other processes run first. It never resolves if the process has crashed. */
  async pause(): Promise<void> {
    if (!this.isAlive) await new Promise(() => {});
    if (this.random.chance(this.pauseChance)) await this.wait(this.random.int(MAX_PAUSE_MS));
  }

  hold(ms: number): void {
    this.#heldUntilMs = this.scheduler.nowMs + ms;
  }

  onCrash(work: () => void): void {
    this.#onCrash.push(work);
  }

  crash(): void {
    this.isAlive = false;
    for (const work of this.#onCrash) work();
  }
}
