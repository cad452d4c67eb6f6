/** Uploads over tus 1.0.0: with a real client in one call, or request by request. */
import * as tus from 'tus-js-client';

const TUS = { 'tus-resumable': '1.0.0' };

/** Creates an upload without sending any of it. */
export const announceUpload = (
  siteUrl: string,
  token: string,
  sizeBytes: number,
  name = 'Announced',
): Promise<Response> =>
  fetch(`${siteUrl}/api/uploads`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      ...TUS,
      'upload-length': String(sizeBytes),
      'upload-metadata': `name ${Buffer.from(name).toString('base64')}`,
    },
  });

/** Creates an upload. @returns its URL. @throws Error with the status and body of a refusal */
export async function createUpload(
  siteUrl: string,
  token: string,
  sizeBytes: number,
  name: string,
): Promise<string> {
  const response = await announceUpload(siteUrl, token, sizeBytes, name);
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return new URL(response.headers.get('location') ?? '', siteUrl).href;
}

/** Sends `body` from `offset` on. */
export const patchUpload = (url: string, token: string, offset: number, body: Buffer): Promise<Response> =>
  fetch(url, {
    method: 'PATCH',
    headers: {
      authorization: `Bearer ${token}`,
      ...TUS,
      'upload-offset': String(offset),
      'content-type': 'application/offset+octet-stream',
    },
    body: new Uint8Array(body),
  });

/** Bytes that the site has acknowledged; undefined if it does not know the upload. */
export async function findUploadOffset(url: string, token: string): Promise<number | undefined> {
  const response = await fetch(url, {
    method: 'HEAD',
    headers: { authorization: `Bearer ${token}`, ...TUS },
  });
  return response.ok ? Number(response.headers.get('upload-offset')) : undefined;
}

/** The video that an upload's URL belongs to. */
export const videoIdOf = (uploadUrl: string): string => uploadUrl.split('/').at(-1) ?? '';

export interface UploadResult {
  readonly id: string;
  /** When the last byte was acknowledged, milliseconds since 1970. */
  readonly finishedMs: number;
}

/** Uploads with a plain tus client. @throws the client's error, which contains the server's response */
export function upload(
  siteUrl: string,
  token: string,
  body: Buffer | import('node:fs').ReadStream,
  metadata: Record<string, string>,
  uploadSize?: number,
): Promise<UploadResult> {
  return new Promise((done, fail) => {
    const client = new tus.Upload(body as Buffer, {
      endpoint: `${siteUrl}/api/uploads`,
      headers: { authorization: `Bearer ${token}` },
      metadata,
      retryDelays: null,
      ...(uploadSize ? { uploadSize, chunkSize: 64 * 2 ** 20 } : {}),
      onError: fail,
      onSuccess: () => done({ id: videoIdOf(client.url ?? ''), finishedMs: Date.now() }),
    });
    client.start();
  });
}
