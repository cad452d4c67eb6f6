/**
 * Failpoints: named places between two steps of publication, at which a test has this process killed as a power cut would
 * kill it: no handler runs, nothing is flushed. Each stands after one step and before the next. They do nothing unless one
 * is armed at the start (TRIBUTARY_FAILPOINT), and only one can be: a comparison with undefined is all that they cost.
 */

/** In the order in which an upload, an edit or a withdrawal passes them. */
export const FAILPOINTS = {
  site: [
    'upload-row-written',
    'upload-file-made',
    'upload-part-written',
    'upload-complete',
    'source-synced',
    'source-renamed',
    'source-kept',
    'check-claimed',
    'check-prepared',
    'check-revision-written',
    'record-written',
    'handshake-answered',
    'epoch-adopted',
    'drafts-numbered',
    'signal-answered',
    'signal-marked-sent',
    'records-read',
    'acknowledgement-received',
    'acknowledgement-committed',
    'registrations-received',
    'registrations-marked',
    'withdrawal-written',
    'withdrawal-buffer-dropped',
    'withdrawal-files-removed',
  ],
  central: [
    'handshake-received',
    'handshake-committed',
    'signal-received',
    'signal-stored',
    'signals-attempted',
    'page-read',
    'page-committed',
    'page-acknowledged',
    'signals-completed',
    'registration-not-committed',
    'registration-committed',
  ],
  tracker: ['changes-received', 'changes-applied'],
  /** At a site that holds copies: one is made, dropped, or becomes the video. */
  copies: [
    'copy-begun',
    'copy-files-added',
    'copy-durable',
    'copy-whole',
    'copy-completed',
    'copy-released',
    'copy-removed',
    'copy-re-signed',
    'copy-taken-over',
  ],
} as const;
export type Failpoint = (typeof FAILPOINTS)[keyof typeof FAILPOINTS][number];

let armed: string | undefined;

/** @throws if there is no such failpoint: a test that names it wrongly would never fail. */
export function armFailpoint(name: string): void {
  if (
    !Object.values(FAILPOINTS)
      .flat()
      .includes(name as Failpoint)
  ) {
    throw new Error(`There is no failpoint "${name}".`);
  }
  armed = name;
}

export function failpoint(name: Failpoint): void {
  if (armed === name) process.kill(process.pid, 'SIGKILL');
}
