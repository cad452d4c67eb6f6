/** A configuration is invalid. The message has one line for each error, and each line names the setting. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
