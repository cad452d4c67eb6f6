/** The right to a private video, as the link says it: behind the #, which no browser tells to a server. */
const read = (): string | undefined => new URLSearchParams(location.hash.slice(1)).get('grant') ?? undefined;

export const grant = read();

/** Another link to the same page changes nothing but what stands behind the #: then it begins anew. */
addEventListener('hashchange', () => {
  if (read() !== grant) location.reload();
});
