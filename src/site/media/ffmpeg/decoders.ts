/**
 * The decoders that may read an upload: each further decoder is another parser of hostile bytes. A stream in another codec is left
 * out; it must not keep the streams next to it from being used.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const VIDEO_DECODERS = [
  ...['h264', 'hevc', 'vp8', 'vp9', 'libdav1d', 'libaom-av1', 'av1', 'theora', 'vp3', 'vp6', 'vp6a', 'vp6f'],
  ...['mpeg1video', 'mpeg2video', 'mpegvideo', 'mpeg4', 'msmpeg4v1', 'msmpeg4v2', 'msmpeg4', 'h261', 'h263'],
  ...['h263i', 'h263p', 'flv', 'flashsv', 'flashsv2', 'wmv1', 'wmv2', 'wmv3', 'vc1', 'mss1', 'mss2'],
  ...['rv10', 'rv20', 'rv30', 'rv40', 'svq1', 'svq3', 'cinepak', 'indeo3', 'indeo4', 'indeo5', 'msvideo1'],
  ...['msrle', 'qtrle', 'camtasia', 'tscc2', 'zmbv', 'fraps', 'mjpeg', 'mjpegb', 'png', 'dvvideo', 'dnxhd'],
  ...['prores', 'cfhd', 'ffv1', 'huffyuv', 'ffvhuff', 'utvideo', 'rawvideo', 'v210', 'jpeg2000'],
];
const AUDIO_DECODERS = [
  ...[
    'aac',
    'aac_latm',
    'mp1',
    'mp1float',
    'mp2',
    'mp2float',
    'mp3',
    'mp3float',
    'ac3',
    'eac3',
    'dca',
    'mlp',
  ],
  ...[
    'truehd',
    'opus',
    'libopus',
    'vorbis',
    'libvorbis',
    'speex',
    'libspeex',
    'flac',
    'alac',
    'wavpack',
    'ape',
  ],
  ...['tta', 'wmav1', 'wmav2', 'wmapro', 'wmalossless', 'wmavoice', 'cook', 'sipr', 'real_144', 'real_288'],
  ...['ralf', 'atrac3', 'nellymoser', 'qdm2', 'qdmc', 'mace3', 'mace6', 'gsm', 'gsm_ms', 'amrnb', 'amrwb'],
  ...['qcelp', 'dvaudio', 's302m', 'adpcm_ima_wav', 'adpcm_ima_qt', 'adpcm_ms', 'adpcm_swf', 'adpcm_yamaha'],
  ...['g722', 'g726', 'pcm_alaw', 'pcm_mulaw', 'pcm_bluray', 'pcm_dvd', 'pcm_u8', 'pcm_s8', 'pcm_s16le'],
  ...[
    'pcm_s16be',
    'pcm_s16le_planar',
    'pcm_s16be_planar',
    'pcm_s24le',
    'pcm_s24be',
    'pcm_s32le',
    'pcm_s32be',
  ],
  ...['pcm_u16le', 'pcm_u16be', 'pcm_f32le', 'pcm_f32be', 'pcm_f64le', 'pcm_f64be', 'pcm_s64le', 'pcm_s64be'],
];
const SUBTITLE_DECODERS = ['mov_text', 'subrip', 'srt', 'ass', 'ssa', 'webvtt', 'text'];

export const DECODERS: readonly string[] = [...VIDEO_DECODERS, ...AUDIO_DECODERS, ...SUBTITLE_DECODERS];

interface HostDecoders {
  /** Names of the codecs that may be decoded: the decoder that ffmpeg chooses by itself is one of `DECODERS`. */
  readonly decodable: ReadonlySet<string>;
  /** Names of all decoders that this ffmpeg has. */
  readonly all: readonly string[];
}

const known = new Map<string, Promise<HostDecoders>>();

/** Lists the decoders of an ffmpeg; later calls return the first result. @throws if ffmpeg cannot be run; the next call tries again */
export function findDecoders(ffmpeg: string): Promise<HostDecoders> {
  let found = known.get(ffmpeg);
  if (!found) {
    found = listDecoders(ffmpeg);
    found.catch(() => known.delete(ffmpeg));
    known.set(ffmpeg, found);
  }
  return found;
}

/** A line of `-codecs`: ` DEV.L. av1   Alliance for Open Media AV1 (decoders: libdav1d av1 ) (encoders: …)`. */
async function listDecoders(ffmpeg: string): Promise<HostDecoders> {
  const { stdout } = await promisify(execFile)(ffmpeg, ['-hide_banner', '-codecs'], { timeout: 10_000 });
  const decodable = new Set<string>();
  const all: string[] = [];
  for (const [, codec = '', description = ''] of stdout.matchAll(/^ D[A-Z.]{5} ([^\s=]+) (.*)$/gm)) {
    const listed = /\(decoders: ([^)]*)\)/.exec(description)?.[1]?.trim().split(' ');
    const decoders = listed ?? [codec];
    all.push(...decoders);
    if (DECODERS.includes(decoders[0] ?? '')) decodable.add(codec);
  }
  return { decodable, all };
}
