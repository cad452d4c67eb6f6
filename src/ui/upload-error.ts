/** The sentence that a refused upload came with: problem details where there are any, else the plain text. */
export function parseUploadError(body: string | undefined, fallback: string): string {
  if (!body) return fallback;
  try {
    const { detail } = JSON.parse(body) as { detail?: unknown };
    return typeof detail === 'string' ? detail : fallback;
  } catch {
    return body.length < 500 ? body : fallback;
  }
}
