/** Uploads of this tab (tus 1.0.0): a few at once, the others in turn; pausable, and resumed when the file is chosen again. */
import { DetailedError, Upload } from 'tus-js-client';
import type { Visibility } from '../../../protocol/publication/record.ts';
import { type ApiError, parseProblem } from '../../api/call.ts';
import { beginRate, measureRate, type Rate } from './upload-rate.ts';

const AT_ONCE = 3;
/** tus counts anew after every byte that got through, so these bound one break, not the whole upload. */
const RETRY_DELAYS_MS = [0, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

export interface UploadItem {
  readonly key: number;
  readonly name: string;
  readonly sizeBytes: number;
  readonly sentBytes: number;
  readonly rate: Rate;
  readonly state: 'queued' | 'sending' | 'paused' | 'interrupted';
  /** What stopped it; the server's problem where it sent one. */
  readonly error?: ApiError | Error | undefined;
  /** The site's id of the video, as soon as it has given one. */
  readonly videoId?: string | undefined;
}

export interface UploadQueue {
  add(file: File, visibility: Visibility): void;
  pause(key: number): void;
  resume(key: number): void;
  cancel(key: number): void;
}

export const nameWithoutExtension = (fileName: string): string =>
  fileName.replace(/\.[A-Za-z0-9]{1,5}$/, '') || fileName;

export interface UploadQueueOptions {
  readonly token: () => string | undefined;
  readonly onChange: (items: readonly UploadItem[]) => void;
  /** All bytes of this one have arrived. */
  readonly onSent: () => void;
}

export function createUploadQueue(options: UploadQueueOptions): UploadQueue {
  const items = new Map<number, UploadItem>();
  const clients = new Map<number, Upload>();
  let lastKey = 0;

  const tell = (): void => options.onChange([...items.values()]);
  function update(key: number, change: Partial<UploadItem>): void {
    const item = items.get(key);
    if (!item) return;
    items.set(key, { ...item, ...change });
    tell();
  }
  function remove(key: number): void {
    items.delete(key);
    clients.delete(key);
    tell();
    startNext();
  }
  function startNext(): void {
    const sending = [...items.values()].filter(item => item.state === 'sending').length;
    const waiting = [...items.values()].filter(item => item.state === 'queued');
    for (const item of waiting.slice(0, Math.max(0, AT_ONCE - sending))) {
      update(item.key, { state: 'sending', rate: beginRate(item.sentBytes, Date.now()) });
      void start(item.key);
    }
  }
  async function start(key: number): Promise<void> {
    const client = clients.get(key);
    if (!client) return;
    if (client.url === null) {
      const taken = new Set([...clients.values()].map(each => each.url));
      const previous = await client.findPreviousUploads().catch(() => []);
      const unfinished = previous.find(each => each.uploadUrl !== null && !taken.has(each.uploadUrl));
      if (unfinished) client.resumeFromPreviousUpload(unfinished);
    }
    // It may have been paused or cancelled meanwhile.
    if (items.get(key)?.state === 'sending') client.start();
  }
  function stop(key: number, change: Partial<UploadItem>): void {
    update(key, change);
    startNext();
  }

  function makeClient(key: number, file: File, visibility: Visibility): Upload {
    const client = new Upload(file, {
      endpoint: '/api/uploads',
      // The language of a film cannot be told from that of the page, so none is claimed.
      metadata: { name: nameWithoutExtension(file.name), filename: file.name, visibility },
      retryDelays: RETRY_DELAYS_MS,
      removeFingerprintOnSuccess: true,
      onBeforeRequest(request) {
        const token = options.token();
        if (token) request.setHeader('Authorization', `Bearer ${token}`);
      },
      onUploadUrlAvailable: () => update(key, { videoId: client.url?.split('/').at(-1) }),
      onProgress(sentBytes) {
        const item = items.get(key);
        if (item) update(key, { sentBytes, rate: measureRate(item.rate, sentBytes, Date.now()) });
      },
      onSuccess() {
        options.onSent();
        remove(key);
      },
      onError: error => stop(key, { state: 'interrupted', error: readError(error) }),
    });
    return client;
  }

  return {
    add(file, visibility) {
      const key = ++lastKey;
      items.set(key, {
        key,
        name: nameWithoutExtension(file.name),
        sizeBytes: file.size,
        sentBytes: 0,
        rate: beginRate(0, Date.now()),
        state: 'queued',
      });
      clients.set(key, makeClient(key, file, visibility));
      tell();
      startNext();
    },
    pause(key) {
      void clients.get(key)?.abort();
      stop(key, { state: 'paused' });
    },
    resume(key) {
      update(key, { state: 'queued', error: undefined });
      startNext();
    },
    cancel(key) {
      // Bytes that nobody goes on with are forgotten by the site after a while, if this does not reach it.
      void clients
        .get(key)
        ?.abort(true)
        .catch(() => {});
      remove(key);
    },
  };
}

function readError(error: Error | DetailedError): Error {
  if (!(error instanceof DetailedError) || !error.originalResponse) {
    return parseProblem(0, '{"code":"network"}');
  }
  return parseProblem(error.originalResponse.getStatus(), error.originalResponse.getBody());
}
