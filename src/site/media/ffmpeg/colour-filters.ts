/**
 * The ffmpeg filters that convert colours (pure): every rendition becomes BT.709, and every image the BT.601 matrix that JPEG
 * prescribes. The source's colour is always passed on, because ffmpeg takes untagged video for BT.601, whatever its size.
 */
import { type Colour, videoRangeOf } from '../../../protocol/media/media.ts';

/** What ffprobe reports about a video track; absent members are unknown. */
interface DeclaredColour {
  readonly color_primaries?: string | undefined;
  readonly color_transfer?: string | undefined;
  /** The matrix coefficients. */
  readonly color_space?: string | undefined;
  readonly height: number;
}

/** ffmpeg's names and their code points (ISO/IEC 23091-2). */
const PRIMARIES: Readonly<Record<string, number>> = {
  bt709: 1,
  bt470m: 4,
  bt470bg: 5,
  smpte170m: 6,
  smpte240m: 7,
  bt2020: 9,
  smpte431: 11,
  smpte432: 12,
  ebu3213: 22,
};
const TRANSFERS: Readonly<Record<string, number>> = {
  bt709: 1,
  bt470m: 4,
  bt470bg: 5,
  smpte170m: 6,
  linear: 8,
  'iec61966-2-4': 11,
  'iec61966-2-1': 13,
  'bt2020-10': 14,
  'bt2020-12': 15,
  smpte2084: 16,
  'arib-std-b67': 18,
};
const MATRICES: Readonly<Record<string, number>> = {
  bt709: 1,
  fcc: 4,
  bt470bg: 5,
  smpte170m: 6,
  smpte240m: 7,
  bt2020nc: 9,
  bt2020c: 10,
};
const BT_709 = 1;
const SMPTE_170M = 6;
const BT_2020 = 9;
/** A video without tags is taken for BT.709 from this height on, as browsers do. */
const HD_HEIGHT = 720;

/** Completes what a source declares. Members that it leaves open become those that players assume. */
export function resolveColour(declared: DeclaredColour): Colour {
  const transfer = TRANSFERS[declared.color_transfer ?? ''] ?? BT_709;
  const isHdr = videoRangeOf({ colour: { primaries: BT_709, transfer, matrix: BT_709 } }) !== 'SDR';
  return {
    primaries: PRIMARIES[declared.color_primaries ?? ''] ?? (isHdr ? BT_2020 : BT_709),
    transfer,
    matrix:
      MATRICES[declared.color_space ?? ''] ??
      (isHdr ? BT_2020 : declared.height >= HD_HEIGHT ? BT_709 : SMPTE_170M),
  };
}

/** One frame for each two fields. Frames that are not marked as interlaced pass unchanged. */
export const DEINTERLACE = 'bwdif=mode=send_frame:deint=interlaced';

/** Primaries that hold more colours than BT.709: BT.2020, DCI-P3 and Display P3. */
const WIDE_PRIMARIES = new Set([9, 11, 12]);

/** True if the conversion needs the `zscale` filter. */
export const needsZscale = (colour: Colour): boolean =>
  videoRangeOf({ colour }) !== 'SDR' || WIDE_PRIMARIES.has(colour.primaries);

/** Names of the `scale` filter for matrix coefficients. */
const SCALE_MATRICES: Readonly<Record<number, string>> = {
  1: 'bt709',
  4: 'fcc',
  5: 'bt601',
  6: 'smpte170m',
  7: 'smpte240m',
  9: 'bt2020',
  10: 'bt2020',
};

interface Scaling {
  readonly width: number;
  readonly height: number;
}

/** Scales to square pixels without a change of colours, except that RGB becomes YCbCr with the matrix of the colour. */
const scaleWithin = ({ width, height }: Scaling, matrix: number): string => {
  const name = SCALE_MATRICES[matrix] ?? 'bt709';
  return `scale=${width}:${height}:flags=bicubic:in_color_matrix=${name}:out_color_matrix=${name},setsar=1`;
};

const TAG_BT709 = 'setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709';

/** Scales, and converts to BT.709 with 8 bits, 4:2:0 and limited range. HDR is tone-mapped through linear light (Hable's curve). */
export function scaleToBt709(size: Scaling, colour: Colour): readonly string[] {
  const { primaries, transfer, matrix } = colour;
  if (!needsZscale(colour)) {
    const name = SCALE_MATRICES[matrix] ?? 'bt709';
    return [
      `scale=${size.width}:${size.height}:flags=bicubic:in_color_matrix=${name}:out_color_matrix=bt709:out_range=tv`,
      'setsar=1',
      TAG_BT709,
      'format=yuv420p',
    ];
  }
  const isHdr = videoRangeOf({ colour }) !== 'SDR';
  const input = `primariesin=${primaries}:transferin=${transfer}:matrixin=${matrix === 10 ? 9 : matrix}`;
  return [
    scaleWithin(size, matrix),
    `zscale=${input}:transfer=linear:npl=100`,
    'format=gbrpf32le',
    'zscale=primaries=bt709',
    ...(isHdr ? ['tonemap=tonemap=hable:desat=0'] : []),
    'zscale=transfer=bt709:matrix=bt709:range=tv',
    'format=yuv420p',
    TAG_BT709,
  ];
}

/** Scales video that `scaleToBt709` has converted. */
export const scaleBt709 = (size: Scaling): string => `${scaleWithin(size, BT_709)},${TAG_BT709}`;

/** Scales, and converts to full range with the matrix of JPEG (JFIF: BT.601). */
export function scaleToJpeg(size: Scaling, colour: Colour): readonly string[] {
  const jpeg = 'out_color_matrix=bt601:out_range=pc,format=yuvj420p';
  if (needsZscale(colour)) return [...scaleToBt709(size, colour), `scale=in_color_matrix=bt709:${jpeg}`];
  const name = SCALE_MATRICES[colour.matrix] ?? 'bt709';
  return [`scale=${size.width}:${size.height}:flags=bicubic:in_color_matrix=${name}:${jpeg}`, 'setsar=1'];
}
