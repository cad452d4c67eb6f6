/** One upload by tus 1.0.0 in its plainest form: a POST that creates it, a PATCH that carries the bytes. */
import { readFile } from 'node:fs/promises';

const encode = (text: string): string => Buffer.from(text).toString('base64');

export async function uploadFilm(
  siteUrl: string,
  token: string,
  path: string,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const body = await readFile(path);
  const headers = { authorization: `Bearer ${token}`, 'tus-resumable': '1.0.0' };
  const created = await fetch(`${siteUrl}/api/uploads`, {
    method: 'POST',
    headers: {
      ...headers,
      'upload-length': String(body.length),
      'upload-metadata': Object.entries(metadata)
        .map(([name, value]) => `${name} ${encode(value)}`)
        .join(','),
    },
  });
  const location = created.headers.get('location');
  if (created.status !== 201 || !location) {
    throw new Error(`${siteUrl} did not take the sample film: ${await created.text()}`);
  }
  const sent = await fetch(new URL(location, siteUrl), {
    method: 'PATCH',
    headers: { ...headers, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' },
    body,
  });
  if (sent.status !== 204) throw new Error(`${siteUrl} did not keep the sample film: ${await sent.text()}`);
}
