/** Stores captions: a file of plain cues in the video's directory, and the rendition that playlists refer to. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory, writeDurably } from '../../../../kernel/files.ts';
import type { CaptionsTrack, Extras } from '../../../database/extras.ts';
import { type Cue, formatWebVtt } from './cues.ts';

interface NewCaptions {
  readonly cues: readonly Cue[];
  readonly language?: string | undefined;
  readonly name?: string | undefined;
  readonly from: CaptionsTrack['from'];
}

const FOLDER = 'captions';

/** Writes the file durably. @returns the track with a provisional id, which `addCaptions` replaces */
export async function writeCaptions(
  directory: string,
  { cues, language, name, from }: NewCaptions,
): Promise<CaptionsTrack> {
  await mkdir(join(directory, FOLDER), { recursive: true });
  await syncDirectory(directory);
  const file = `${FOLDER}/${randomBytes(8).toString('hex')}.vtt`;
  const text = formatWebVtt(cues);
  await writeDurably(join(directory, file), text);
  const seconds = Math.max(1, (cues.at(-1)?.endMs ?? 0) / 1_000);
  const bitsPerSecond = Math.max(1, Math.ceil((Buffer.byteLength(text) * 8) / seconds));
  return {
    rendition: {
      kind: 'captions',
      id: 'captions',
      codec: 'wvtt',
      bandwidthBps: bitsPerSecond,
      averageBandwidthBps: bitsPerSecond,
      ...(language ? { language } : {}),
      ...(name ? { name } : {}),
    },
    file,
    from,
  };
}

/** Puts a track in the place of the one with this id. */
export const replaceCaptions = (extras: Extras, id: string, track: CaptionsTrack): Extras => ({
  ...extras,
  captions: extras.captions.map(before => (before.rendition.id === id ? track : before)),
});

/** Adds tracks under ids that are still free: `captions-zh-hans`, `captions-en-2` … */
export function addCaptions(extras: Extras, tracks: readonly CaptionsTrack[]): Extras {
  const captions = [...extras.captions];
  for (const track of tracks) {
    const base = `captions-${(track.rendition.language ?? 'und').toLowerCase()}`.slice(0, 32);
    const taken = new Set(captions.map(({ rendition }) => rendition.id));
    let id = base;
    for (let number = 2; taken.has(id); number++) id = `${base}-${number}`;
    captions.push({ ...track, rendition: { ...track.rendition, id } });
  }
  return { ...extras, captions };
}
