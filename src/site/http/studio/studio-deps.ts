/** What the calls of the studio for videos need. */
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { Field } from '../../../protocol/catalogue/fields.ts';
import type { Owner } from '../../../protocol/publication/record.ts';
import type { DiskReserve } from '../../maintenance/disk-reserve.ts';
import type { Storage } from '../../media/storage/storage.ts';
import type { SiteRights } from '../../rights/site-rights.ts';
import type { ViewerTokens } from '../../rights/viewer-tokens.ts';
import type { NoteAudit } from '../audit-note.ts';
import type { Uploads } from '../uploads/uploads.ts';
import type { StudioWatch } from './lists/watch-changes.ts';
import type { VideoAccessDeps } from './video-access.ts';

export interface StudioDeps extends VideoAccessDeps {
  readonly storage: Storage;
  readonly sourceAddress: string;
  readonly rights: Pick<SiteRights, 'markOwn'>;
  readonly tokens: Pick<ViewerTokens, 'forStudio'>;
  readonly uploads: Uploads;
  readonly reserve: DiskReserve;
  readonly note: NoteAudit;
  /** The operator's fields. Undefined: this site does not know them yet. */
  readonly fields: () => readonly Field[] | undefined;
  readonly watch: StudioWatch;
  /** Asks central for the name of a person. @throws Problem 404 `person-unknown`; 503 while central cannot be reached */
  readonly findPerson: (id: string) => Promise<Owner>;
  readonly onRecord: () => void;
  /** Closes the files of a withdrawn video and deletes it from the buffer. */
  readonly onWithdrawn: (video: VideoId) => Promise<void>;
}
