/** The calls of the studio for the captions of one video. */
import type { CaptionList } from '../../../protocol/captions.ts';
import { call, callForText, type TaggedText } from '../../api/call.ts';

export interface NewTrackFile {
  readonly language: string;
  readonly name: string;
  /** Without a file, the track is an empty draft. */
  readonly file?: File | undefined;
  readonly isDraft: boolean;
}

export interface CaptionsCalls {
  list(abort: AbortSignal): Promise<CaptionList>;
  /** @returns the id of the new track */
  add(track: NewTrackFile): Promise<string>;
  read(id: string): Promise<TaggedText>;
  /** @throws ApiError 412 `captions-changed` if the track has another content than `tag` says */
  replace(id: string, text: string, tag: string): Promise<TaggedText>;
  describe(id: string, about: { readonly language: string; readonly name: string | null }): Promise<void>;
  remove(id: string): Promise<void>;
  /** @returns the id of the published track */
  publish(id: string): Promise<string>;
  /** Starts the speech program of the site. */
  create(language: string): Promise<void>;
  cancel(job: string): Promise<void>;
}

const EMPTY = new Blob(['WEBVTT\n']);

/** @param onChange is called after each change that the video shows */
export function makeCaptionsCalls(
  token: string | undefined,
  video: string,
  onChange: () => void,
): CaptionsCalls {
  const url = `/api/videos/${video}/captions`;
  const change = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    onChange();
    return result;
  };
  return {
    list: abort => call(url, { token, abort }),
    async add({ language, name, file, isDraft }) {
      const query = new URLSearchParams({ language, draft: String(isDraft), ...(name ? { name } : {}) });
      const added = call<{ captions: string[] }>(`${url}?${query}`, {
        method: 'POST',
        body: file ?? EMPTY,
        token,
      });
      return (await change(added)).captions.at(-1) ?? '';
    },
    read: id => callForText(`${url}/${id}`, { token }),
    replace: (id, text, tag) =>
      change(callForText(`${url}/${id}`, { token, replace: { text: new Blob([text]), tag } })),
    describe: (id, about) => change(call(`${url}/${id}`, { method: 'PATCH', body: about, token })),
    remove: id => change(call(`${url}/${id}`, { method: 'DELETE', token })),
    publish: async id =>
      (await change(call<{ id: string }>(`${url}/${id}/publish`, { method: 'POST', token }))).id,
    create: language => change(call(`${url}/create`, { method: 'POST', body: { language }, token })),
    cancel: job => change(call(`/api/jobs/${job}/cancel`, { method: 'POST', token })),
  };
}
