/** Uploads of this tab by tus 1.0.0: several at once, pausable, resumed when the same file is chosen again. */
import { DetailedError, Upload } from 'tus-js-client';
import { parseUploadError } from './upload-error.ts';

const RETRY_DELAYS_MS = [0, 500, 1_000, 2_000, 5_000, 10_000];
const RATE_OVER_MS = 3_000;

export interface Transfer {
  readonly key: number;
  readonly name: string;
  readonly sentBytes: number;
  readonly totalBytes: number;
  readonly bytesPerSecond: number;
  readonly state: 'sending' | 'paused' | 'failed';
  readonly error?: string;
  /** Once the site has given it an id. */
  readonly videoId?: string;
}

export interface Uploads {
  add(file: File): void;
  pause(key: number): void;
  resume(key: number): void;
  cancel(key: number): void;
}

/** The file's name without its ending: a name to begin with. */
export const nameOf = (fileName: string): string => fileName.replace(/\.[^.]{1,5}$/, '') || fileName;

export function createUploads(
  token: () => string | undefined,
  onChange: (transfers: readonly Transfer[]) => void,
): Uploads {
  const transfers = new Map<number, Transfer>();
  const clients = new Map<number, Upload>();
  let lastKey = 0;
  const tell = (): void => onChange([...transfers.values()]);
  const update = (key: number, change: Partial<Transfer>): void => {
    const before = transfers.get(key);
    if (before) transfers.set(key, { ...before, ...change });
    tell();
  };
  const remove = (key: number): void => {
    transfers.delete(key);
    clients.delete(key);
    tell();
  };

  return {
    add(file) {
      const key = ++lastKey;
      const name = nameOf(file.name);
      transfers.set(key, {
        key,
        name,
        sentBytes: 0,
        totalBytes: file.size,
        bytesPerSecond: 0,
        state: 'sending',
      });
      let mark = { bytes: 0, atMs: Date.now() };
      const bearer = token();
      const client = new Upload(file, {
        endpoint: '/api/uploads',
        retryDelays: RETRY_DELAYS_MS,
        removeFingerprintOnSuccess: true,
        metadata: { name, filename: file.name },
        headers: bearer ? { authorization: `Bearer ${bearer}` } : {},
        onShouldRetry: error => {
          const status = error.originalResponse?.getStatus() ?? 0;
          return status === 0 || status >= 500 || status === 409 || status === 423;
        },
        onProgress(sentBytes) {
          const elapsedMs = Date.now() - mark.atMs;
          const rate =
            elapsedMs > RATE_OVER_MS
              ? { bytesPerSecond: ((sentBytes - mark.bytes) * 1_000) / elapsedMs }
              : {};
          if (elapsedMs > RATE_OVER_MS) mark = { bytes: sentBytes, atMs: Date.now() };
          const videoId = client.url?.split('/').at(-1);
          update(key, { sentBytes, ...rate, ...(videoId ? { videoId } : {}) });
        },
        onSuccess: () => remove(key),
        onError: error =>
          update(key, {
            state: 'failed',
            error:
              error instanceof DetailedError
                ? parseUploadError(error.originalResponse?.getBody(), error.message)
                : error.message,
          }),
      });
      clients.set(key, client);
      void client.findPreviousUploads().then(([previous]) => {
        if (previous) client.resumeFromPreviousUpload(previous);
        client.start();
      });
      tell();
    },
    pause(key) {
      void clients.get(key)?.abort();
      update(key, { state: 'paused', bytesPerSecond: 0 });
    },
    resume(key) {
      update(key, { state: 'sending' });
      clients.get(key)?.start();
    },
    cancel(key) {
      void clients
        .get(key)
        ?.abort(true)
        .catch(() => {});
      remove(key);
    },
  };
}
