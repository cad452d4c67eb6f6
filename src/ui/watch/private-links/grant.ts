/** The grant for a private video, from the fragment of the link. No browser sends the fragment to a server. */
const readGrant = (): string | undefined =>
  new URLSearchParams(location.hash.slice(1)).get('grant') ?? undefined;

export const grant = readGrant();

/** Another link to the same page only changes the fragment, which does not reload the page by itself. */
export function reloadOnOtherGrant(): void {
  addEventListener('hashchange', () => {
    if (readGrant() !== grant) location.reload();
  });
}
