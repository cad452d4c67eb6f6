/**
 * What the studio does to one track of captions, published or a draft. A change of a published track makes a new revision of the same
 * renditions; a draft is a row of the database. Both name their content by a tag, so that no one overwrites what they have not seen.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Problem, problem } from '../../../../kernel/problem.ts';
import type { VideoId } from '../../../../protocol/base/ids.ts';
import { MAX_CAPTION_TRACKS } from '../../../../protocol/base/limits.ts';
import type { CaptionsOrigin, CaptionTrack } from '../../../../protocol/captions.ts';
import {
  changeDraft,
  deleteDraft,
  findDraft,
  insertDraft,
  listDrafts,
} from '../../../database/caption-drafts.ts';
import {
  type CaptionsTrack,
  changeExtras,
  type Extras,
  parseExtras,
  type SiteTransaction,
} from '../../../database/extras.ts';
import type { CaptionDraftRow, VideoRow } from '../../../database/tables/schema.ts';
import type { SiteDatabase } from '../../../database/tables/videos.ts';
import {
  addCaptions,
  type Cue,
  formatCues,
  parseCues,
  replaceCaptions,
  writeCaptions,
} from '../../../media/extras/extras.ts';
import { makeRecord } from '../../../media/record/record.ts';
import { readSmallFile, type Storage } from '../../../media/storage/storage.ts';

export interface TracksDeps {
  readonly db: SiteDatabase;
  readonly storage: Storage;
  readonly sourceAddress: string;
  readonly onRecord: () => void;
}

/** A track with its content. */
interface ReadTrack {
  /** Names the content, for `ETag` and `If-Match`. */
  readonly tag: string;
  readonly text: string;
}

export interface NewTrack {
  readonly cues: readonly Cue[];
  readonly language: string | undefined;
  readonly name: string | undefined;
  readonly from: CaptionsOrigin;
}

type Row = Pick<VideoRow, 'id' | 'extras'>;

export async function listTracks(db: SiteDatabase, row: Row): Promise<readonly CaptionTrack[]> {
  const published = parseExtras(row.extras).captions.map(({ rendition: { id, language, name }, from }) =>
    formatTrack({ id, language, name, from, state: 'published' }),
  );
  const drafts = (await listDrafts(db, row.id)).map(({ id, language, name, origin }) =>
    formatTrack({
      id,
      language: language ?? undefined,
      name: name ?? undefined,
      from: origin,
      state: 'draft',
    }),
  );
  return [...published, ...drafts];
}

const formatTrack = ({
  language,
  name,
  ...track
}: Pick<CaptionTrack, 'id' | 'from' | 'state'> & {
  readonly language: string | undefined;
  readonly name: string | undefined;
}): CaptionTrack => ({ ...track, ...(language ? { language } : {}), ...(name ? { name } : {}) });

/** @throws Problem 404 `captions-unknown` */
export async function readTrack({ db, storage }: TracksDeps, row: Row, id: string): Promise<ReadTrack> {
  const published = findPublished(parseExtras(row.extras), id);
  if (published) {
    const bytes = await readSmallFile(name => storage.open(row.id, name), published.file);
    return { tag: tagOfFile(published), text: bytes.toString('utf8') };
  }
  const { tag, vtt } = await requireDraft(db, row.id, id);
  return { tag, text: vtt };
}

/** @throws Problem 409 `captions-too-many` */
export async function addDraft({ db }: TracksDeps, video: VideoId, track: NewTrack): Promise<string> {
  const { cues, ...about } = track;
  const id = await insertDraft(db, { video, ...about, text: formatCues(cues) }, MAX_CAPTION_TRACKS);
  if (id === undefined) throw tooMany();
  return id;
}

/** @returns the ids of all published tracks. @throws Problem 409 `captions-too-many` */
export async function addPublished(deps: TracksDeps, video: VideoId, track: NewTrack): Promise<string[]> {
  const extras = await changeWithFile(deps, video, track, {
    act(before, written) {
      if (before.captions.length >= MAX_CAPTION_TRACKS) throw tooMany();
      return addCaptions(before, [written]);
    },
  });
  return extras.captions.map(({ rendition }) => rendition.id);
}

/**
 * Replaces the cues of a track.
 *
 * @returns the new content
 * @throws Problem 412 `captions-changed` if its content is not the one that `tag` names
 */
export async function replaceCues(
  deps: TracksDeps,
  row: Row,
  id: string,
  { cues, tag }: { readonly cues: readonly Cue[]; readonly tag: string },
): Promise<ReadTrack> {
  const published = findPublished(parseExtras(row.extras), id);
  if (!published) {
    await requireDraft(deps.db, row.id, id);
    const text = formatCues(cues);
    const next = await changeDraft(deps.db, { id, tag }, { vtt: text });
    if (next === undefined) throw changed();
    return { tag: next, text };
  }
  if (cues.length === 0) {
    throw problem('captions-invalid', 'Published captions need at least one line. Delete the track instead.');
  }
  const { name, language } = published.rendition;
  const about = { cues, language, name, from: published.from };
  const after = await changeWithFile(deps, row.id, about, {
    act(before, written) {
      requireTag(before, id, tag);
      return replaceCaptions(before, id, { ...written, rendition: { ...written.rendition, id } });
    },
  });
  return { tag: tagOfFile(findPublished(after, id)), text: formatCues(cues) };
}

/** Changes the language or the name. @returns the id that the track has now */
export async function describeTrack(
  deps: TracksDeps,
  row: Row,
  id: string,
  edit: { readonly language?: string | undefined; readonly name?: string | null | undefined },
): Promise<string> {
  const { db } = deps;
  if (!findPublished(parseExtras(row.extras), id)) {
    const draft = await requireDraft(db, row.id, id);
    const changes = {
      ...(edit.language === undefined ? {} : { language: edit.language }),
      ...(edit.name === undefined ? {} : { name: edit.name }),
    };
    if ((await changeDraft(db, draft, changes)) === undefined) throw changed();
    return id;
  }
  let next = id;
  await change(deps, row.id, before => {
    const track = findPublished(before, id);
    if (!track) throw unknown();
    const { name, language, ...rest } = track.rendition;
    const given = { language: edit.language ?? language, name: edit.name === undefined ? name : edit.name };
    const rendition = {
      ...rest,
      ...(given.language ? { language: given.language } : {}),
      ...(given.name ? { name: given.name } : {}),
    };
    // The id follows the language.
    const after =
      given.language === language
        ? replaceCaptions(before, id, { ...track, rendition })
        : addCaptions(without(before, id), [{ ...track, rendition }]);
    next = after.captions.find(({ file }) => file === track.file)?.rendition.id ?? id;
    return after;
  });
  return next;
}

/** Deletes a track. @returns the ids of the published tracks that are left */
export async function removeTrack(deps: TracksDeps, row: Row, id: string): Promise<string[]> {
  if (!findPublished(parseExtras(row.extras), id)) {
    if (!(await deleteDraft(deps.db, (await requireDraft(deps.db, row.id, id)).id))) throw unknown();
    return parseExtras(row.extras).captions.map(({ rendition }) => rendition.id);
  }
  const { captions } = await change(deps, row.id, before => {
    if (!findPublished(before, id)) throw unknown();
    return without(before, id);
  });
  return captions.map(({ rendition }) => rendition.id);
}

/** Publishes a draft. @returns the id of the published track */
export async function publishDraft(deps: TracksDeps, row: Row, id: string): Promise<string> {
  const draft = await requireDraft(deps.db, row.id, id);
  const cues = parseCues(Buffer.from(draft.vtt));
  if (cues.length === 0) throw problem('captions-invalid', 'This draft has no lines yet. Add some first.');
  const about = { language: draft.language ?? undefined, name: draft.name ?? undefined, from: draft.origin };
  const { captions } = await changeWithFile(
    deps,
    row.id,
    { cues, ...about },
    {
      act(before, written) {
        if (before.captions.length >= MAX_CAPTION_TRACKS) throw tooMany();
        return addCaptions(before, [written]);
      },
      async also(tx) {
        if (!(await deleteDraft(tx, id, draft.tag))) throw changed();
      },
    },
  );
  return captions.at(-1)?.rendition.id ?? '';
}

type Change = (before: Extras) => Extras;
type Also = (tx: SiteTransaction) => Promise<void>;

interface FileChange {
  act(before: Extras, written: CaptionsTrack): Extras;
  readonly also?: Also;
}

/** Writes a file for the track and then makes the change; the file is deleted if the change fails. */
async function changeWithFile(
  deps: TracksDeps,
  video: VideoId,
  track: NewTrack,
  { act, also }: FileChange,
): Promise<Extras> {
  const directory = deps.storage.directory(video);
  const written = await writeCaptions(directory, track);
  try {
    return await change(deps, video, before => act(before, written), also);
  } catch (error) {
    await rm(join(directory, written.file), { force: true });
    throw error;
  }
}

async function change(deps: TracksDeps, video: VideoId, act: Change, also?: Also): Promise<Extras> {
  let after: Extras | undefined;
  const isChanged = await changeExtras(deps.db, video, {
    change: before => {
      after = act(before);
      return after;
    },
    also,
    record: row => makeRecord(row, deps),
  });
  if (!isChanged || !after) throw notReady();
  deps.onRecord();
  return after;
}

const findPublished = ({ captions }: Extras, id: string): CaptionsTrack | undefined =>
  captions.find(({ rendition }) => rendition.id === id);
const without = (extras: Extras, id: string): Extras => ({
  ...extras,
  captions: extras.captions.filter(({ rendition }) => rendition.id !== id),
});

/** A file never changes, so its name without folder and extension names the content. */
const tagOfFile = (track: CaptionsTrack | undefined): string =>
  track?.file.replace(/^.*\//, '').replace(/\..*$/, '') ?? '';

function requireTag(extras: Extras, id: string, tag: string): void {
  const track = findPublished(extras, id);
  if (!track) throw unknown();
  if (tagOfFile(track) !== tag) throw changed();
}

async function requireDraft(db: SiteDatabase, video: VideoId, id: string): Promise<CaptionDraftRow> {
  const draft = await findDraft(db, video, id);
  if (!draft) throw unknown();
  return draft;
}

const unknown = (): Problem => problem('captions-unknown', 'This video has no such caption track.');
const changed = (): Problem =>
  problem('captions-changed', 'Somebody else has changed these captions since you opened them.');
const tooMany = (): Problem =>
  problem(
    'captions-too-many',
    `A video can have at most ${MAX_CAPTION_TRACKS} caption tracks. Remove one first.`,
  );
export const notReady = (): Problem =>
  problem('video-not-ready', 'Captions can be changed once the video is ready.');
