/**
 * Failpoints: named points between two steps of publication at which a test kills this process as a power cut would: no
 * handler runs and nothing is flushed. At most one failpoint is armed, at startup (TRIBUTARY_FAILPOINT). The others cost
 * one comparison with undefined.
 */

/** Failpoints in the order in which an upload, an edit or a withdrawal reaches them. */
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
  /** At central: a change of people and its entry in the audit log. */
  people: ['change-not-committed', 'change-committed'],
  /** At a site that holds copies: a copy is made or dropped, or takes over the video. */
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

/** @throws if the name is unknown, because a test with a misspelled name could never fail. */
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
