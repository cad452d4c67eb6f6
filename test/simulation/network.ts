/**
 * Messages between parts. They are copied as JSON, as a network would. They can be lost, duplicated, delayed and
 * reordered; a sender stops waiting for a response after a while, and the message may still arrive later.
 */
import { Problem, problem, problemOfPeer } from '../../src/kernel/problem.ts';
import type { Process } from './process.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export type Handler = (payload: unknown) => Promise<unknown>;

/** The current process under a name, and its handlers. */
export interface Listener {
  readonly process: Process;
  readonly handlers: Readonly<Record<string, Handler>>;
}

export interface Weather {
  readonly lost: number;
  readonly doubled: number;
  readonly maxDelayMs: number;
  /** Occasionally a message takes this long, whatever its sender has done in the meantime. */
  readonly straggles: number;
  readonly maxStraggleMs: number;
}

export const CALM: Weather = { lost: 0, doubled: 0, maxDelayMs: 20, straggles: 0, maxStraggleMs: 0 };

const TIMEOUT_MS = 10_000;

interface Response {
  readonly value?: unknown;
  readonly problem?: { readonly status: number; readonly code: string; readonly detail: string };
}

export class Network {
  weather: Weather = CALM;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #listeners = new Map<string, Listener>();
  readonly #cut = new Set<string>();
  readonly #trace: (what: string) => void;

  constructor(scheduler: Scheduler, random: Random, trace: (what: string) => void) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#trace = trace;
  }

  listen(name: string, listener: Listener): void {
    this.#listeners.set(name, listener);
  }

  /** Disconnects a name, or connects it again. */
  cut(name: string, isCut: boolean): void {
    if (isCut) this.#cut.add(name);
    else this.#cut.delete(name);
  }

  /** The promise resolves only in the process that sent the request, and only while that is alive. */
  call(from: Process, to: string, what: string, payload: unknown): Promise<unknown> {
    const text = JSON.stringify(payload ?? null);
    const unreachable = (): Problem => problem('peer-unreachable', `${to} could not be reached.`);
    return new Promise((resolve, reject) => {
      let isSettled = false;
      const resolveOnce = (work: () => void): void => {
        if (isSettled) return;
        isSettled = true;
        work();
      };
      from.later(TIMEOUT_MS, () => resolveOnce(() => reject(unreachable())));
      const answerTo = (answer: Response): void => {
        if (this.#isLost(from.name, to)) {
          this.#trace(`the response of ${to} to “${what}” is lost`);
          return;
        }
        const copy = JSON.stringify(answer);
        this.#deliver(() =>
          from.later(0, () =>
            resolveOnce(() => {
              const { value, problem: failure } = JSON.parse(copy) as Response;
              if (failure) reject(problemOfPeer(failure.status, failure.code, failure.detail));
              else resolve(value);
            }),
          ),
        );
      };
      const copies = this.#random.chance(this.weather.doubled) ? 2 : 1;
      if (copies === 2) this.#trace(`“${what}” of ${from.name} to ${to} is duplicated`);
      for (let copy = 0; copy < copies; copy++) {
        if (this.#isLost(from.name, to)) {
          this.#trace(`“${what}” of ${from.name} to ${to} is lost`);
          continue;
        }
        this.#deliver(() => this.#receive(to, what, text, answerTo));
      }
    });
  }

  #receive(to: string, what: string, text: string, answerTo: (answer: Response) => void): void {
    const listener = this.#listeners.get(to);
    if (!listener?.process.isAlive) return;
    listener.process.later(0, () => {
      const handler = listener.handlers[what];
      if (!handler) throw new Error(`${to} has no handler of “${what}”`);
      handler(JSON.parse(text)).then(
        value => answerTo({ value }),
        error => {
          const { status, code, message } =
            error instanceof Problem ? error : problem('internal', `${(error as Error).message}`);
          answerTo({ problem: { status, code, detail: message } });
        },
      );
    });
  }

  #isLost(a: string, b: string): boolean {
    return this.#cut.has(a) || this.#cut.has(b) || this.#random.chance(this.weather.lost);
  }

  #deliver(arrive: () => void): void {
    const { maxDelayMs, straggles, maxStraggleMs } = this.weather;
    const delayMs = this.#random.chance(straggles)
      ? this.#random.int(maxStraggleMs)
      : this.#random.int(maxDelayMs) + 1;
    this.#scheduler.at(delayMs, arrive);
  }
}
