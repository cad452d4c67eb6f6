/** Reads the colour of a video track: from the container, or else from the bit stream, whose headers mediabunny parses. */
import type { Colour } from '../../../../protocol/media/media.ts';
import { formatBox, u16 } from '../isobmff/box.ts';
import type { SourceTrack } from '../source/source-track.ts';

/** As WebCodecs describes it; a member is undefined if it is unknown. */
type NamedColour = {
  readonly [member in keyof VideoColorSpaceInit]: VideoColorSpaceInit[member] | undefined;
};

export interface SourceColour extends Colour {
  readonly isFullRange: boolean;
}

const UNSPECIFIED = 2;

/** WebCodecs names and their code points (ISO/IEC 23091-2). */
const PRIMARIES: Readonly<Record<string, number>> = {
  bt709: 1,
  bt470bg: 5,
  smpte170m: 6,
  bt2020: 9,
  smpte432: 12,
};
const TRANSFERS: Readonly<Record<string, number>> = {
  bt709: 1,
  smpte170m: 6,
  linear: 8,
  'iec61966-2-1': 13,
  pq: 16,
  hlg: 18,
};
const MATRICES: Readonly<Record<string, number>> = {
  rgb: 0,
  bt709: 1,
  bt470bg: 5,
  smpte170m: 6,
  'bt2020-ncl': 9,
};

/**
 * @param named what mediabunny found in the container and in the bit stream
 * @returns undefined if nothing is declared
 */
export function readColour(
  { configuration }: Pick<SourceTrack, 'configuration'>,
  named: NamedColour,
): SourceColour | undefined {
  const box = parseColourBox(configuration.get('colr'));
  const choose = (stored: number | undefined, found: number | undefined): number =>
    stored !== undefined && stored !== UNSPECIFIED ? stored : (found ?? UNSPECIFIED);
  const primaries = choose(box?.primaries, PRIMARIES[named.primaries ?? '']);
  const transfer = choose(box?.transfer, TRANSFERS[named.transfer ?? '']);
  const matrix = choose(box?.matrix, MATRICES[named.matrix ?? '']);
  const isFullRange = box?.isFullRange ?? named.fullRange === true;
  const isDeclared = [primaries, transfer, matrix].some(code => code !== UNSPECIFIED);
  return isDeclared && [primaries, transfer, matrix].every(code => code <= 255)
    ? { primaries, transfer, matrix, isFullRange }
    : undefined;
}

/** `nclx` (ISO/IEC 14496-12, section 12.1.5) and `nclc` of QuickTime, which has no range. Colour profiles are ignored. */
function parseColourBox(body: Buffer | undefined): SourceColour | undefined {
  const type = body?.toString('latin1', 0, 4);
  if (!body || body.length < 10 || (type !== 'nclx' && type !== 'nclc')) return undefined;
  return {
    primaries: body.readUInt16BE(4),
    transfer: body.readUInt16BE(6),
    matrix: body.readUInt16BE(8),
    isFullRange: type === 'nclx' && body.length >= 11 && (body[10] ?? 0) >= 0x80,
  };
}

/** Formats `colr` with the type `nclx`, which browsers and ffmpeg read. */
export const formatColourBox = ({ primaries, transfer, matrix, isFullRange }: SourceColour): Buffer =>
  formatBox(
    'colr',
    Buffer.from('nclx'),
    u16(primaries, transfer, matrix),
    Buffer.from([isFullRange ? 0x80 : 0]),
  );
