/** What is wrong with a configuration: one line for each fault, each naming the setting. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
