/** Compares origins with lists of permitted ones, as `frame-ancestors` does. Without schemas, so that pages can use it. Pure. */

/** @param patterns `*`, origins, and origins such as `https://*.example.edu` */
export const isOriginAllowed = (patterns: readonly string[], origin: string): boolean =>
  patterns.some(pattern => pattern === '*' || pattern === origin || matchesSubdomain(pattern, origin));

function matchesSubdomain(pattern: string, origin: string): boolean {
  const [scheme, rest] = pattern.split('://*.');
  return (
    rest !== undefined &&
    origin.startsWith(`${scheme}://`) &&
    origin.slice(`${scheme}://`.length).endsWith(`.${rest}`)
  );
}

/** Those of `wanted` that the list of the installation permits. */
export const narrowOrigins = (
  installation: readonly string[],
  wanted: readonly string[],
): readonly string[] => {
  if (wanted.includes('*')) return installation;
  return wanted.filter(
    origin =>
      installation.includes(origin) || isOriginAllowed(installation, origin.replace('://*.', '://x.')),
  );
};
