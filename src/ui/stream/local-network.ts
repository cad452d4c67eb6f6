/**
 * Whether the browser lets this page connect to sites in the person's own network. Chromium asks the person before a public page
 * does so, and blocks the connection until it is allowed (Local Network Access).
 */

/** `blocked`: refused, or not allowed yet. */
export type LocalNetworkAccess = 'open' | 'blocked';

const LOCAL_IPV4 =
  /^(127|10|169\.254|192\.168|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./;
const LOCAL_IPV6 = /^\[(::1\]|f[cd]|fe[89ab])/;
const LOCAL_NAME = /^(localhost|[^.]+|.+\.(local|localhost|internal|lan|home\.arpa))$/;

/** True if this host of a URL is an address or a name that only a local network has. */
export function isLocalHost(hostname: string): boolean {
  const host = hostname.toLowerCase();
  if (host.startsWith('[')) return LOCAL_IPV6.test(host);
  return /^[\d.]+$/.test(host) ? LOCAL_IPV4.test(`${host}.`) : LOCAL_NAME.test(host);
}

/** The names of the permission, by the version of Chromium. */
const PERMISSIONS = ['local-network-access', 'loopback-network', 'local-network'] as const;

/** The permission, and a call that reports its changes. A browser without it blocks nothing. */
export async function watchLocalNetworkAccess(
  onChange: (access: LocalNetworkAccess) => void,
  abort: AbortSignal,
): Promise<void> {
  for (const name of PERMISSIONS) {
    try {
      const status = await navigator.permissions.query({ name: name as PermissionName });
      if (abort.aborted) return;
      const report = (): void => onChange(status.state === 'granted' ? 'open' : 'blocked');
      status.addEventListener('change', report, { signal: abort });
      return report();
    } catch {
      // This browser does not know the name.
    }
  }
}
