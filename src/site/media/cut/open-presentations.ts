/** Keeps a bounded number of presentations open, and never closes one that is in use. */
import { LRUCache } from 'lru-cache';
import { Presentation, type RevisionFiles } from './presentation.ts';

interface Entry {
  readonly opening: Promise<Presentation>;
  users: number;
  /** The entry has left the cache. Its last user closes it. */
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
        if (entry.users === 0) this.#close(entry);
      },
    });
  }

  /**
   * Calls `act` with the presentation of `files`, which is open meanwhile.
   *
   * @throws any error of opening it or of `act`; the next call opens it again
   */
  async use<T>(
    key: string,
    files: RevisionFiles,
    act: (presentation: Presentation) => Promise<T>,
  ): Promise<T> {
    let entry = this.#cache.get(key);
    if (!entry) {
      entry = { opening: Presentation.open(files), users: 0, isEvicted: false };
      this.#cache.set(key, entry);
    }
    entry.users++;
    try {
      return await act(await entry.opening);
    } catch (error) {
      // The error may come from a file handle, so the next use opens the files again.
      if (this.#cache.peek(key) === entry) this.#cache.delete(key);
      throw error;
    } finally {
      entry.users--;
      if (entry.isEvicted && entry.users === 0) this.#close(entry);
    }
  }

  /** Closes presentations whose key begins with `prefix`, and waits until no presentation is closing. */
  async forget(prefix = ''): Promise<void> {
    for (const key of [...this.#cache.keys()]) if (key.startsWith(prefix)) this.#cache.delete(key);
    await Promise.all(this.#closing);
  }

  #close(entry: Entry): void {
    const closing: Promise<void> = entry.opening
      .then(presentation => presentation.close())
      // It was never opened, or the system has closed it: nothing stays open.
      .catch(() => undefined)
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
