/** The list of this tab's uploads and the rules of its queue. Pure: upload-queue.ts sends the bytes. */
import { startRate, type UploadRate, updateRate } from './upload-rate.ts';

const MAX_CONCURRENT = 3;

export interface UploadItem {
  readonly key: number;
  readonly name: string;
  readonly sizeBytes: number;
  readonly sentBytes: number;
  readonly rate: UploadRate;
  readonly state: 'queued' | 'sending' | 'paused' | 'interrupted';
  /** The size of a request that a proxy refused, and the size of the requests since then. */
  readonly refusedBytes?: number;
  readonly chunkBytes?: number;
  /** Why it was interrupted. */
  readonly error?: Error | undefined;
  /** The site's id of the video, as soon as the site has assigned one. */
  readonly videoId?: string | undefined;
}
export type UploadList = readonly UploadItem[];

export const nameWithoutExtension = (fileName: string): string =>
  fileName.replace(/\.[A-Za-z0-9]{1,5}$/, '') || fileName;

interface NewUpload {
  readonly key: number;
  readonly fileName: string;
  readonly sizeBytes: number;
}

export const addUpload = (
  list: UploadList,
  { key, fileName, sizeBytes }: NewUpload,
  nowMs: number,
): UploadList => [
  ...list,
  {
    key,
    name: nameWithoutExtension(fileName),
    sizeBytes,
    sentBytes: 0,
    rate: startRate(0, nowMs),
    state: 'queued',
  },
];

/** An upload that is not in the list (any more) is not added. */
export const updateUpload = (list: UploadList, key: number, change: Partial<UploadItem>): UploadList =>
  list.map(item => (item.key === key ? { ...item, ...change } : item));

export const recordProgress = (list: UploadList, key: number, sentBytes: number, nowMs: number): UploadList =>
  list.map(item =>
    item.key === key ? { ...item, sentBytes, rate: updateRate(item.rate, sentBytes, nowMs) } : item,
  );

export const removeUpload = (list: UploadList, key: number): UploadList =>
  list.filter(item => item.key !== key);

/** The uploads that may start now, oldest first. */
export function listStartable(list: UploadList): readonly number[] {
  const sending = list.filter(item => item.state === 'sending').length;
  return list
    .filter(item => item.state === 'queued')
    .slice(0, Math.max(0, MAX_CONCURRENT - sending))
    .map(item => item.key);
}

interface FileFacts {
  readonly name: string;
  readonly size: number;
}

/** Why a file cannot be uploaded; undefined if it can. */
export function findFileProblem(
  { size }: FileFacts,
  maxBytes: number | undefined,
): 'empty' | 'too-large' | undefined {
  if (size === 0) return 'empty';
  return maxBytes !== undefined && size > maxBytes ? 'too-large' : undefined;
}
