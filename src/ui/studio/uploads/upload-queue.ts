/**
 * Sends the uploads of this tab (tus 1.0.0), a few at the same time. Uploads can be paused. An interrupted one is resumed when
 * the same file is selected again.
 */
import { DetailedError, Upload } from 'tus-js-client';
import type { AudienceOfVideo } from '../../../protocol/people/audience.ts';
import { ApiError, parseProblem } from '../../api/api-error.ts';
import { findSmallerChunk, isFromProxy, judgeFailure } from './chunk-size.ts';
import {
  addUpload,
  listStartable,
  nameWithoutExtension,
  recordProgress,
  removeUpload,
  type UploadItem,
  type UploadList,
  updateUpload,
} from './upload-list.ts';
import { startRate } from './upload-rate.ts';

/** tus starts again with the first delay after every byte that arrives, so these bound one interruption, not the upload. */
const RETRY_DELAYS_MS = [0, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

export interface UploadQueue {
  add(file: File, audience: AudienceOfVideo): void;
  pause(key: number): void;
  resume(key: number): void;
  cancel(key: number): void;
}

interface UploadQueueDeps {
  /** Largest request that the site recommends, in bytes. */
  readonly readChunkBytes: () => number;
  readonly readToken: () => string | undefined;
  readonly onChange: (list: UploadList) => void;
  /** All bytes of an upload have arrived. */
  readonly onSent: () => void;
}

export function startUploadQueue({
  readToken,
  readChunkBytes,
  onChange,
  onSent,
}: UploadQueueDeps): UploadQueue {
  let list: UploadList = [];
  const clients = new Map<number, Upload>();
  let lastKey = 0;

  function setList(next: UploadList): void {
    list = next;
    onChange(list);
  }
  const findItem = (key: number): UploadItem | undefined => list.find(item => item.key === key);
  const update = (key: number, change: Partial<UploadItem>): void => setList(updateUpload(list, key, change));
  function remove(key: number): void {
    clients.delete(key);
    setList(removeUpload(list, key));
    startNext();
  }
  function startNext(): void {
    for (const key of listStartable(list)) {
      update(key, { state: 'sending', rate: startRate(findItem(key)?.sentBytes ?? 0, Date.now()) });
      void send(key);
    }
  }
  async function send(key: number): Promise<void> {
    const client = clients.get(key);
    if (!client) return;
    if (client.url === null) {
      const taken = new Set([...clients.values()].map(each => each.url));
      const previous = await client.findPreviousUploads().catch(() => []);
      const unfinished = previous.find(each => each.uploadUrl !== null && !taken.has(each.uploadUrl));
      if (unfinished) client.resumeFromPreviousUpload(unfinished);
    }
    // It may have been paused or cancelled in the meantime.
    if (findItem(key)?.state === 'sending') client.start();
  }
  function stop(key: number, change: Partial<UploadItem>): void {
    update(key, change);
    startNext();
  }
  const makeClient = (key: number, file: File, audience: AudienceOfVideo): Upload => {
    const client: Upload = new Upload(file, {
      endpoint: '/api/uploads',
      metadata: describe(file, audience),
      retryDelays: RETRY_DELAYS_MS,
      chunkSize: readChunkBytes(),
      onShouldRetry(error, failures) {
        const next = planRetry(client, error, failures);
        if (next.change) update(key, next.change);
        return next.isRetried;
      },
      removeFingerprintOnSuccess: true,
      onBeforeRequest(request) {
        const token = readToken();
        if (token) request.setHeader('Authorization', `Bearer ${token}`);
      },
      onUploadUrlAvailable: () => update(key, { videoId: client.url?.split('/').at(-1) }),
      onProgress: sentBytes => setList(recordProgress(list, key, sentBytes, Date.now())),
      onSuccess() {
        onSent();
        remove(key);
      },
      onError: error => stop(key, { state: 'interrupted', error: toApiError(error) }),
    });
    return client;
  };

  return {
    add(file, audience) {
      const key = ++lastKey;
      clients.set(key, makeClient(key, file, audience));
      setList(addUpload(list, { key, fileName: file.name, sizeBytes: file.size }, Date.now()));
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
      // If this does not reach the site, the site deletes the abandoned upload after a while.
      void clients
        .get(key)
        ?.abort(true)
        .catch(() => {});
      remove(key);
    },
  };
}

/** The metadata of an upload. The language of the video may differ from that of the page, so none is sent. */
const describe = (file: File, { audience, groups }: AudienceOfVideo): Record<string, string> => ({
  name: nameWithoutExtension(file.name),
  filename: file.name,
  audience,
  ...(audience === 'groups' ? { groups: JSON.stringify(groups) } : {}),
});

interface Retry {
  readonly isRetried: boolean;
  readonly change?: Partial<UploadItem>;
}

/** Makes the requests smaller if a proxy refuses their size. */
function planRetry(client: Upload, error: Error, failures: number): Retry {
  const verdict = judgeFailure(error, failures);
  if (verdict !== 'smaller') return { isRetried: verdict === 'same' };
  const { chunkSize = Number.POSITIVE_INFINITY } = client.options;
  const sentBytes = Math.min(chunkSize, client.file instanceof File ? client.file.size : chunkSize);
  const smaller = findSmallerChunk(sentBytes);
  if (smaller === undefined) return { isRetried: !isProxyLimit(error) };
  client.options.chunkSize = smaller;
  return {
    isRetried: true,
    ...(isProxyLimit(error) ? { change: { refusedBytes: sentBytes, chunkBytes: smaller } } : {}),
  };
}

const isProxyLimit = (error: Error): boolean =>
  error instanceof DetailedError &&
  error.originalResponse != null &&
  isFromProxy(error.originalResponse.getStatus(), error.originalResponse.getBody());

function toApiError(error: Error | DetailedError): Error {
  if (!(error instanceof DetailedError) || !error.originalResponse) {
    return parseProblem(0, '{"code":"network"}');
  }
  if (isProxyLimit(error)) return new ApiError(413, 'proxy-limit', '');
  return parseProblem(error.originalResponse.getStatus(), error.originalResponse.getBody());
}
