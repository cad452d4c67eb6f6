/** Lends open presentations, keeps a bounded number of them open, and never closes one that is lent. */
import { LRUCache } from 'lru-cache';
import { Presentation, type RevisionFiles } from './presentation.ts';

interface Entry {
  readonly opening: Promise<Presentation>;
  loans: number;
  /** No longer in the cache: whoever returns it last closes it. */
  isEvicted: boolean;
}

export class OpenPresentations {
  readonly #cache: LRUCache<string, Entry>;
  readonly #closing = new Set<Promise<void>>();

  constructor(max: number) {
    this.#cache = new LRUCache<string, Entry>({
      max,
      dispose: entry => {
        entry.isEvicted = true;
        if (entry.loans === 0) this.#close(entry);
      },
    });
  }

  /** @throws what opening throws; the next call tries again */
  async use<T>(
    key: string,
    place: RevisionFiles,
    act: (presentation: Presentation) => Promise<T>,
  ): Promise<T> {
    let entry = this.#cache.get(key);
    if (!entry) {
      entry = { opening: Presentation.open(place), loans: 0, isEvicted: false };
      this.#cache.set(key, entry);
    }
    entry.loans++;
    try {
      return await act(await entry.opening);
    } catch (error) {
      // What failed may be the file handle: the next use opens anew.
      if (this.#cache.peek(key) === entry) this.#cache.delete(key);
      throw error;
    } finally {
      entry.loans--;
      if (entry.isEvicted && entry.loans === 0) this.#close(entry);
    }
  }

  /** Closes those whose key begins so, and waits until they and all that were closing are closed. */
  async forget(prefix = ''): Promise<void> {
    for (const key of [...this.#cache.keys()]) if (key.startsWith(prefix)) this.#cache.delete(key);
    await Promise.all(this.#closing);
  }

  #close(entry: Entry): void {
    const closing: Promise<void> = entry.opening
      .then(presentation => presentation.close())
      // Never opened, or closed by the system: either way nothing is left open.
      .catch(() => undefined)
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
