/** Creates an upload before its first byte: its row, and for a final upload also its bytes, from the partial ones. */
import { createReadStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { failpoint } from '../../../kernel/failpoint.ts';
import { Problem, problem } from '../../../kernel/problem.ts';
import type { VideoId } from '../../../protocol/base/ids.ts';
import type { Field } from '../../../protocol/catalogue/fields.ts';
import { phaseAt } from '../../../protocol/publication/schedule.ts';
import { findUpload, insertUpload, type NewUpload, PARTIAL } from '../../database/tables/uploads.ts';
import { insertVideo, type NewVideo } from '../../database/tables/videos.ts';
import type { SiteRights } from '../../rights/site-rights.ts';
import type { NoteAudit } from '../audit-note.ts';
import { checkNewVideo, findParts, parseNewUpload, requireAllowedSize } from './new-upload.ts';
import { assignDisk, type SpaceDeps } from './space.ts';
import { admitUpload, requireUpload, type UploadAccessDeps } from './upload-access.ts';
import type { UploadStore } from './upload-store.ts';

export interface CreateUploadDeps extends SpaceDeps, UploadAccessDeps {
  readonly store: UploadStore;
  readonly rights: Pick<SiteRights, 'markOwn'>;
  readonly note: NoteAudit;
  /** The operator's fields. Undefined: this site does not know them yet. */
  readonly fields: () => readonly Field[] | undefined;
  readonly newVideoId: () => VideoId;
  readonly maxUploadBytes: number;
}

export interface CreatedUpload {
  readonly id: VideoId;
  /** The partial uploads of a final one. */
  readonly parts: readonly VideoId[] | undefined;
  readonly sizeBytes: number | undefined;
}

export class UploadCreator {
  readonly #deps: CreateUploadDeps;
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(deps: CreateUploadDeps, path: string) {
    this.#deps = deps;
    this.#path = path;
  }

  /** @throws Problem 4xx with a sentence for the uploader; 507 `disk-full` */
  async create(request: IncomingMessage): Promise<CreatedUpload> {
    const { maxUploadBytes, newVideoId } = this.#deps;
    const parsed = parseNewUpload(request.headers, maxUploadBytes, newVideoId());
    const { upload, video } = parsed;
    if (video) checkNewVideo(video, this.#deps.fields(), Date.now());
    const { starter, ...admission } = await admitUpload(this.#deps, request, parsed);
    const parts = findParts(upload, this.#path);
    for (const part of parts ?? [])
      await requireUpload(this.#deps, request, part, 'continue').catch(error => {
        throw error instanceof Problem && error.code === 'upload-unknown' ? partInvalid(part) : error;
      });
    const sizeBytes = parts ? await this.#sumSizes(parts) : upload.sizeBytes;
    // Uploads are created one by one, so that each counts the previous ones.
    const created = this.#last.then(() =>
      this.#insert(
        request,
        { ...upload, sizeBytes, owner: starter },
        video && { ...video, ...admission, sizeBytes: sizeBytes ?? 0 },
      ),
    );
    this.#last = created.catch(() => {});
    await created;
    failpoint('upload-row-written');
    return { id: upload.id, parts, sizeBytes };
  }

  /**
   * Writes the bytes of the partial uploads, "in the order in which they appear in the list" (section "Concatenation"), to the
   * final one.
   */
  async concatenate(id: VideoId, parts: readonly VideoId[]): Promise<void> {
    const { storage, store } = this.#deps;
    async function* readParts(): AsyncGenerator<Buffer> {
      for (const part of parts) yield* createReadStream(storage.upload(part), { highWaterMark: 2 ** 20 });
    }
    await store.makeFile(id);
    await store.write(Readable.from(readParts()), id, 0);
  }

  async #insert(request: IncomingMessage, upload: NewUpload, video: NewVideo | undefined): Promise<void> {
    const { db, rights, note } = this.#deps;
    await assignDisk(this.#deps, upload.id, upload.sizeBytes ?? 0);
    if (video && (video.audience?.audience !== 'public' || video.needsApproval || isScheduled(video)))
      rights.markOwn(video.id, true);
    await db.transaction().execute(async transaction => {
      await insertUpload(transaction, upload);
      if (!video) return;
      await insertVideo(transaction, video);
      const { name, sizeBytes, audience, owner, needsApproval } = video;
      const after = {
        ...{ name, sizeBytes, audience: audience?.audience ?? 'public' },
        ...(owner ? { owner: owner.id } : {}),
        ...(needsApproval ? { approval: 'awaiting' } : {}),
      };
      await note(request, { action: 'video.upload', object: `video:${video.id}`, after }, transaction);
    });
  }

  /** @throws Problem 400 `upload-parts-invalid` unless all parts are complete partial uploads */
  async #sumSizes(parts: readonly VideoId[]): Promise<number> {
    const { db, store, maxUploadBytes } = this.#deps;
    let sum = 0;
    for (const id of parts) {
      const isPart = (await findUpload(db, id))?.concat === PARTIAL;
      const { size, offset } = isPart ? await store.getUpload(id) : { size: undefined, offset: 0 };
      if (size === undefined || offset !== size) throw partInvalid(id);
      sum += size;
    }
    requireAllowedSize(sum, maxUploadBytes);
    return sum;
  }
}

const partInvalid = (id: VideoId): Problem =>
  problem('upload-parts-invalid', `${id} is no complete partial upload of this site.`);

const isScheduled = ({ details = {} }: NewVideo): boolean => phaseAt(details, Date.now()) === 'pending';
