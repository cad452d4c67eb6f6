/** The `code` of an unknown thrown value: of the system (`ENOENT`), of Node (`ERR_…`), of a driver, or of the framework. */
export function errorCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
