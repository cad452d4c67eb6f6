/** The result and the inputs of starting a site, whatever its form. */

/** A started site, or a started part of one. */
export interface RunningSite {
  readonly url: string;
  /** Ends everything that the start opened. Never rejects. */
  stop(): Promise<void>;
}

export interface SiteFiles {
  /** Directory of the built pages. */
  readonly uiDirectory: string;
  /** The bundled worker that checks sources. */
  readonly prepareWorker: URL;
}
