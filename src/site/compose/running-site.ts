/** A site, or a part of one, that was started. */
export interface RunningSite {
  readonly url: string;
  stop(): Promise<void>;
}
