/** The colour of a video rendition in code points of ISO/IEC 23091-2 (CICP), and what playlists and manifests say about it. */
import * as z from 'zod';
import { openObject } from '../base/canonical.ts';

const codePointSchema = z.int().min(0).max(255);

/** `ColourPrimaries`, `TransferCharacteristics` and `MatrixCoefficients`. 2 means unspecified. */
export const colourSchema = openObject({
  primaries: codePointSchema,
  transfer: codePointSchema,
  matrix: codePointSchema,
});
export type Colour = z.infer<typeof colourSchema>;

/** SMPTE ST 2084 and ARIB STD-B67 (ISO/IEC 23091-2, section 8.2). */
const PQ = 16;
const HLG = 18;

/** The value of `VIDEO-RANGE` (RFC 8216bis, section 4.4.6.2). A video without a declared transfer function is SDR. */
export type VideoRange = 'SDR' | 'HLG' | 'PQ';

export function videoRangeOf({ colour }: { readonly colour?: Colour | undefined }): VideoRange {
  if (colour?.transfer === PQ) return 'PQ';
  return colour?.transfer === HLG ? 'HLG' : 'SDR';
}
