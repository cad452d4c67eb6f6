/** A minimal tus 1.0.0 upload: one POST that creates it, and one PATCH with all bytes. */
import { readFile } from 'node:fs/promises';

const TIMEOUT_MS = 60_000;

const encode = (text: string): string => Buffer.from(text).toString('base64');

export async function uploadVideo(
  siteUrl: string,
  token: string,
  path: string,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const body = await readFile(path);
  const headers = { authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0' };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const created = await fetch(`${siteUrl}/api/uploads`, {
    method: 'POST',
    headers: {
      ...headers,
      'upload-length': String(body.length),
      'upload-metadata': Object.entries(metadata)
        .map(([name, value]) => `${name} ${encode(value)}`)
        .join(','),
    },
    signal,
  });
  const location = created.headers.get('location');
  if (created.status !== 201 || !location) {
    throw new Error(`${siteUrl} rejected the sample video: ${await created.text()}`);
  }
  const sent = await fetch(new URL(location, siteUrl), {
    method: 'PATCH',
    headers: { ...headers, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' },
    body,
    signal,
  });
  if (sent.status !== 204) throw new Error(`${siteUrl} did not store the sample video: ${await sent.text()}`);
}
