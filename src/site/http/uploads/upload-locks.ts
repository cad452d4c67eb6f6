/**
 * One request at a time works on an upload, first come, first served. A request that waits asks the holder to end: a client that
 * lost its connection continues long before the site notices the loss. Waiting costs nothing, however long it takes.
 */
import type { Lock, Locker, RequestRelease } from '@tus/server';
import { problem } from '../../../kernel/problem.ts';

/** A holder that does not end within this time is writing to a disk that hangs. */
const WAIT_MS = 30_000;

interface Waiting {
  readonly requestRelease: RequestRelease;
  readonly grant: () => void;
}

interface Held {
  requestRelease: RequestRelease;
  readonly waiting: Set<Waiting>;
}

export class UploadLocks implements Locker {
  readonly #held = new Map<string, Held>();
  readonly #waitMs: number;

  constructor(waitMs = WAIT_MS) {
    this.#waitMs = waitMs;
  }

  newLock(id: string): Lock {
    return {
      lock: (abort, requestRelease) => this.#lock(id, abort, requestRelease),
      unlock: async () => this.#unlock(id),
    };
  }

  /** @throws Problem 423 `upload-busy` */
  async #lock(id: string, abort: AbortSignal, requestRelease: RequestRelease): Promise<void> {
    const held = this.#held.get(id);
    if (!held) {
      this.#held.set(id, { requestRelease, waiting: new Set() });
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = {
        requestRelease,
        grant() {
          end();
          resolve();
        },
      };
      const giveUp = (): void => {
        end();
        reject(problem('upload-busy'));
      };
      const timer = setTimeout(giveUp, this.#waitMs);
      const end = (): void => {
        clearTimeout(timer);
        abort.removeEventListener('abort', giveUp);
        held.waiting.delete(waiting);
      };
      abort.addEventListener('abort', giveUp);
      held.waiting.add(waiting);
      void held.requestRelease();
    });
  }

  #unlock(id: string): void {
    const held = this.#held.get(id);
    if (!held) throw new Error(`the upload ${id} is not locked`);
    const [next] = held.waiting;
    if (!next) return void this.#held.delete(id);
    held.requestRelease = next.requestRelease;
    next.grant();
    if (held.waiting.size > 0) void held.requestRelease();
  }
}
